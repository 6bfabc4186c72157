"""Walls and limits around one program on this machine."""
