"""The command line with every command, for what looks for one in a module."""

from customer_sync.cli.commands import make_app

app = make_app()
