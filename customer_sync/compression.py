"""How answers over HTTP may be compressed: in one layer, and by no more than a thousand times."""

ACCEPTED = "gzip, deflate"
"""What is asked for. Both grow by 1,032 times at most, so that no piece of an answer, which has 64
kB, fills the memory before its size is looked at."""

_BOUNDED = frozenset({"", "identity", "gzip", "deflate"})


def is_bounded(content_encoding: str | None) -> bool:
    """Tell whether an answer with this header may be decompressed piece by piece.

    Several layers multiply, and other ways of compression grow without bounds.
    """
    return (content_encoding or "").strip().lower() in _BOUNDED
