"""Keeps what is asked for out of other people's logs: addresses, also those that are secrets."""

import logging

OUR_THREADS = "customer-sync"
"""What the names of the threads begin with in which requests are made."""

_LOGGERS = (
    "asyncio",
    "httpx",
    *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")),
)
"""Whoever tells of each request or loop; a filter does not reach the loggers below its own."""


def hush_our_threads() -> None:
    """Let nobody log the requests of our threads; those of the program's own are left alone."""
    for name in _LOGGERS:
        # The same filter is added once.
        logging.getLogger(name).addFilter(_is_not_ours)


def _is_not_ours(record: logging.LogRecord) -> bool:
    return not (record.threadName or "").startswith(OUR_THREADS)
