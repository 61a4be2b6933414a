"""Postigo: the small door a human rights defender speaks through, and a mission hears."""
