"""What functions and the platform say: how it is worded, and where it is kept."""
