"""A person's rights: to be forgotten, to be told what is held, to be left alone."""
