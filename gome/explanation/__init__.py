"""What a run did and why, in plain words out of its records."""
