"""Catalogs read at start, and names turned into words at delivery."""
