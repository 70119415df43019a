"""Which requests carry the changes, and what they cost."""
