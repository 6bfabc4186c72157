"""What a run writes down: artifacts by content, history, journals, the clock."""
