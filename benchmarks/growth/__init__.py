"""Growth: what a step costs when a run has taken thousands of them."""
