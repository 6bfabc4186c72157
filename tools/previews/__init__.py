"""What files hold, by kind, in a few lines for prompts: found by name here, read in a sandbox by `readers`."""
