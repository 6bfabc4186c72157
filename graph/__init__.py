"""Who goes when: the trace sub-graph, the run graph, persistence."""
