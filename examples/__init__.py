"""Example tasks on public data: `python -m examples.fetch NAME`."""
