"""Overhead: the agent's own time a step, beside AIDE's."""
