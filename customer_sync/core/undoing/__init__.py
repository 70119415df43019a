"""The way back from a run, and what is remembered of it."""
