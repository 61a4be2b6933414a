"""What is kept: sealed, for a stated time, and gone after it."""
