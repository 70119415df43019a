"""Magento 2 and Adobe Commerce: export files, grids, REST answers and marketing events."""

from customer_sync.platforms.magento.files import ADDRESSES, COMPOSITE, MAIN
from customer_sync.platforms.magento.grids import GRID, SUBSCRIBERS
from customer_sync.platforms.magento.joining import join, parts
from customer_sync.platforms.magento.marketing import MARKETING
from customer_sync.platforms.magento.rest import REST

FORMATS = (ADDRESSES, COMPOSITE, MAIN, GRID, SUBSCRIBERS, MARKETING, REST)

__all__ = ["FORMATS", "join", "parts"]
