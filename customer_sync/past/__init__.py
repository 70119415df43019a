"""What was done and what waits: the history, the way back, the retry queue."""
