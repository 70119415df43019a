"""What a configuration asks of whoever reads its records."""

from customer_sync.config import Config
from customer_sync.platforms.format import Wanted
from customer_sync.platforms.wanting import wanted


def wanted_by(config: Config) -> Wanted:
    """Return what *config* needs of each record, and where it needs it from."""
    return wanted(
        config.rules,
        include_guests=config.include_guests,
        consent_field=config.consent_field,
        records=config.records,
    )
