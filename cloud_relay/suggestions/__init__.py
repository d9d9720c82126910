"""Suggestions: who could order together, found out of what consenting shoppers wish for and bought."""
