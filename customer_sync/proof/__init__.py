"""Looks without writing: is all in place, is it right, and why is it as it is."""
