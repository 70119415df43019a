"""Figures for the eye: as a page, as Markdown, as lines on a terminal."""
