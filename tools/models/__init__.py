"""Chat models: making one, asking it, reading its reply, counting what it cost."""
