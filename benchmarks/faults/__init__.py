"""Faults: what a run loses when it is killed, starved or cut off at random moments."""
