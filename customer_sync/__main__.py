"""Let `python -m customer_sync` be the command."""

import sys

from customer_sync.cli import main

sys.exit(main())
