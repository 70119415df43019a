"""Who is told of a run: what is said, signed, delivered, and kept until it arrived."""
