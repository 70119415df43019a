"""One run from its sources to its report: what happens, in what order, and what is kept of it."""
