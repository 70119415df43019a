"""Planning a large input piece by piece, in memory that does not grow with it."""
