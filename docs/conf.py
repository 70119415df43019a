"""How the documentation site is built: Sphinx reads the Markdown of this folder through MyST."""

from customer_sync import __version__

project = "customer-sync"
release = __version__
html_title = "customer-sync"

extensions = ["myst_parser"]

myst_heading_anchors = 3

nitpicky = True
smartquotes = False  # or `--json` in a sentence would become a dash

html_theme = "furo"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
