"""How the documentation site is built: Sphinx reads the Markdown of this folder through MyST."""

from customer_sync import __version__

project = "customer-sync"
release = __version__
html_title = "customer-sync"

extensions = ["myst_parser"]
exclude_patterns = ["_build"]

myst_heading_anchors = 3
myst_enable_extensions = ["attrs_inline"]

nitpicky = True

html_theme = "furo"
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
