"""A run's solution as a folder that stands alone."""
