"""What is said, decided purely: no clock, no chance, no disk, no network."""
