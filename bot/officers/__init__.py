"""The mission's officers at work: what they say and hear on Signal, what is kept for it, and their signed mail."""
