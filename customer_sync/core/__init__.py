"""The pure core: the same input gives the same output; no file, clock, network or chance."""
