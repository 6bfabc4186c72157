"""Start-up: what a command costs before it does anything."""
