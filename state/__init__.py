"""What flows: task, run configuration, records, state channels and their reducers. Imports nothing of the others."""
