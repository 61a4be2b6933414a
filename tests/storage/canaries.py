"""Byte search for words that must stand nowhere in clear, as the storage's tests call it: see residue.py."""

from residue import files_under, forms, hits

__all__ = ["files_under", "forms", "hits"]
