"""How a solution program runs: sandboxes, limits, slots, the solutions' own environment."""
