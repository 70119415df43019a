"""Let `python -m customer_sync` be the command."""

from customer_sync.cli import command

if __name__ == "__main__":
    command()
