"""Ways to hear a person and to answer; each library is known to one file here."""
