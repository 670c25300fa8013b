"""Stand-ins for other adapters, for a move that begins with one changed import."""
