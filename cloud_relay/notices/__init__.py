"""Notices: a message for each thing that a person must know, in Chinese and English."""
