"""The offline reasoner: rules behind the chat-model interface, not a language model."""
