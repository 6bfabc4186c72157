"""Programs in rented sandboxes of E2B (extra `e2b`)."""
