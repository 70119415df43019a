"""From source files to raw records that know their file and line."""
