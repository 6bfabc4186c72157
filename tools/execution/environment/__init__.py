"""The Python environment that programs run in."""
