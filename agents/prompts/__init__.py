"""Prompt templates, what fills them, how they are shortened, and the schemas of the replies."""
