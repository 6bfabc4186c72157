"""Tokens and calls of a step."""
