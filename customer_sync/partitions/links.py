"""Which customers have to be planned together, since what is said of one bears upon another."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TypeAlias

Token: TypeAlias = int
"""Stands for an address or an id, in 64 bits. Two that share one by chance, of which thousands of
millions would have to be there, are planned together."""

TOKEN_BYTES = 8


def token(name: str) -> Token:
    """Return what stands for *name*; the same in every process."""
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=TOKEN_BYTES).digest()
    return int.from_bytes(digest, "little")


class Links:
    """Addresses that belong together, as far as they are more than one (a union-find).

    Its size is that of the customers with several addresses, which are few in most shops.
    """

    def __init__(self) -> None:
        self._parents: dict[Token, Token] = {}

    def join(self, tokens: Iterable[Token]) -> None:
        """Let *tokens* belong together, and all that belong to any of them."""
        first, *others = sorted({self.first(one) for one in tokens})
        for other in others:
            self._parents[other] = first

    def first(self, one: Token) -> Token:
        """Return the smallest of all tokens that belong together with *one*."""
        root = one
        while (parent := self._parents.get(root)) is not None:
            root = parent
        while one != root:
            # The next one to ask finds the way shorter.
            self._parents[one], one = root, self._parents[one]
        return root

    def partition(self, one: Token, count: int) -> int:
        """Return in which of *count* partitions *one* is planned."""
        return self.first(one) % count

    def moved(self, count: int) -> Iterator[tuple[Token, int]]:
        """Yield the tokens that are planned elsewhere than by themselves, and where."""
        for one in tuple(self._parents):
            there = self.partition(one, count)
            if there != one % count:
                yield one, there
