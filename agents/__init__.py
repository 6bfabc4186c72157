"""Who thinks: researcher, coder, runner, critic, and the offline reasoner. Imports state and tools."""
