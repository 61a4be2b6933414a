"""Sealed mail out; nothing leaves in clear."""
