"""From a file's bytes to its text: decompressed, decoded, a piece at a time."""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from customer_sync.errors import SourceError
from customer_sync.readers.sources import called
from customer_sync.trouble import Code

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

HEAD_BYTES = 2**16
"""How much of a file is looked at to recognise it, and how much is read at a time."""

_PACKED_BYTES = 2**10
"""How much is unpacked at a time: a little of what is packed can be a lot of text."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_NO_TEXT = {
    b"PK\x03\x04": "a spreadsheet or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"%PDF": "a PDF",
    b"SQLite format 3\0": "a SQLite database",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\0": "compressed with xz",
    _GZIP: "compressed twice",
    _ZSTD: "compressed twice",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf-16": "utf-16-le",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "cp1252": "cp1252",
    # Web and mail programs, too, read Windows-1252 where Latin-1 is promised.
    "iso8859-1": "cp1252",
}


class Compression(StrEnum):
    """How a file is packed, as its first bytes tell."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenText:
    """A file whose packing and encoding are known, and whose text waits to be read once."""

    compression: Compression
    encoding: str
    pieces: Iterator[str]
    """Bytes that do not belong to the encoding come as lone surrogates, so that a reader can
    reject the one line that they stand in."""


def open_text(name: str, stream: BinaryIO, *, encoding: str | None) -> OpenText:
    """Return the text of *stream*, the file called *name*.

    Packing is recognised by the first bytes. A byte order mark outranks *encoding*; without
    either the text is UTF-8.

    Raises:
        SourceError: it is no text, packed in a way that cannot be undone here, or *encoding* is
            not known; while reading, where the file cannot be read to its end.
    """
    compression, plain = _decompressed(name, stream)
    head = _read(name, plain, HEAD_BYTES)
    _refuse_no_text(name, head)
    bom, known = next(((bom, known) for bom, known in _BOMS if head.startswith(bom)), (b"", None))
    chosen = known or _asked_for(encoding)
    if chosen == "utf-8":
        _refuse_utf_16(name, head)
    return OpenText(
        compression=compression,
        encoding=chosen,
        pieces=_decoded(_chunks(name, plain, head[len(bom) :]), chosen),
    )


def _asked_for(encoding: str | None) -> str:
    if encoding is None:
        return "utf-8"
    try:
        return _ENCODINGS[codecs.lookup(encoding).name]
    except (LookupError, ValueError) as error:
        raise SourceError(
            f"The encoding {encoding} is not understood.",
            trouble=Code.ENCODING,
            hint="Understood are utf-8, utf-16 and windows-1252.",
        ) from error


def _refuse_no_text(name: str, head: bytes) -> None:
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise SourceError(
            f"{called(name)} is UTF-32.", trouble=Code.ENCODING, hint="Save it as UTF-8."
        )
    for mark, what in _NO_TEXT.items():
        if head.startswith(mark):
            raise SourceError(
                f"{called(name)} is {what}, not a text file.",
                trouble=Code.NOT_TEXT,
                hint="Give JSON lines, JSON or CSV; spreadsheets can be saved as CSV (UTF-8).",
            )


def _refuse_utf_16(name: str, head: bytes) -> None:
    """Two letters of UTF-16 without a byte order mark are easily told from UTF-8."""
    halves = head[:4:2], head[1:4:2]
    if any(half == b"\0\0" for half in halves) and any(all(half) for half in halves):
        raise SourceError(
            f"{called(name)} looks like UTF-16 without a byte order mark.",
            trouble=Code.ENCODING,
            hint="Set the encoding to utf-16-le or utf-16-be, or save the file as UTF-8.",
        )


# ---------------------------------------------------------------- bytes


class _Rewound(io.RawIOBase):
    """A stream with what was already read of it put back in front."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._head[: len(view)] if self._head else self._rest.read(len(view))
        self._head = self._head[len(piece) :]
        view[: len(piece)] = piece
        return len(piece)


class _ZstdFrame(Protocol):
    """What unpacks one frame."""

    @property
    def eof(self) -> bool:
        """Whether the frame is complete."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was given to it but comes after it."""
        ...

    def decompress(self, data: bytes, /) -> bytes:
        """Return the plain bytes that *data* adds."""
        ...


class _ZstdFrames(io.RawIOBase):
    """Frames one after the other; unlike the package's own reader it notices a missing end."""

    def __init__(self, packed: BinaryIO, new_frame: Callable[[], _ZstdFrame]) -> None:
        super().__init__()
        self._packed = packed
        self._new_frame = new_frame
        self._frame: _ZstdFrame | None = None
        self._plain = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        while not self._plain and (piece := self._next_packed()):
            self._frame = self._frame or self._new_frame()
            self._plain = memoryview(self._frame.decompress(piece))
        view = memoryview(buffer).cast("B")
        part = self._plain[: len(view)]
        self._plain = self._plain[len(part) :]
        view[: len(part)] = part
        return len(part)

    def _next_packed(self) -> bytes:
        left_over = b""
        if self._frame is not None and self._frame.eof:
            left_over = self._frame.unused_data
            self._frame = None
        piece = left_over or self._packed.read(_PACKED_BYTES)
        if not piece and self._frame is not None:
            raise EOFError
        return piece


def _decompressed(name: str, stream: BinaryIO) -> tuple[Compression, BinaryIO]:
    head = _read(name, stream, 4)
    whole = cast("BinaryIO", io.BufferedReader(_Rewound(head, stream), HEAD_BYTES))
    if head.startswith(_GZIP):
        return Compression.GZIP, cast("BinaryIO", gzip.GzipFile(fileobj=whole))
    if head.startswith(_ZSTD):
        return Compression.ZSTD, _zstd_reader(name, whole)
    return Compression.NONE, whole


def _zstd_reader(name: str, stream: BinaryIO) -> BinaryIO:
    try:
        import zstandard  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise SourceError(
            f"{called(name)} is compressed with zstd, for which a package is missing.",
            trouble=Code.PACKAGE_MISSING,
            hint="Install it with: pip install 'customer-sync[zstd]'",
        ) from error
    unpacker = zstandard.ZstdDecompressor()
    frames = _ZstdFrames(
        stream, lambda: unpacker.decompressobj(HEAD_BYTES, read_across_frames=False)
    )
    return cast("BinaryIO", io.BufferedReader(frames, HEAD_BYTES))


def _read(name: str, stream: BinaryIO, size: int) -> bytes:
    """Return the next *size* bytes, fewer only at the end of the file."""
    parts = bytearray()
    try:
        while len(parts) < size and (part := stream.read(size - len(parts))):
            parts += part
    except EOFError as error:
        raise _unreadable(name, "it breaks off in the middle") from error
    except (OSError, zlib.error) as error:
        raise _unreadable(name, getattr(error, "strerror", None) or str(error)) from error
    except Exception as error:
        if _is_zstd_error(error):
            raise _unreadable(name, "it is damaged") from error
        raise
    return bytes(parts)


def _is_zstd_error(error: Exception) -> bool:
    """The package may be missing, and then no error of its kind can occur."""
    zstandard = sys.modules.get("zstandard")
    return zstandard is not None and isinstance(error, zstandard.ZstdError)


def _unreadable(name: str, why: str) -> SourceError:
    return SourceError(
        f"{called(name)} cannot be read to its end: {why}.",
        trouble=Code.SOURCE_UNREADABLE,
        hint="Nothing was changed. Fetch the file again, then run again.",
    )


def _chunks(name: str, stream: BinaryIO, head: bytes) -> Iterator[bytes]:
    chunk = head
    while chunk:
        yield chunk
        chunk = _read(name, stream, HEAD_BYTES)


# ---------------------------------------------------------------- text


def _decoded(chunks: Iterator[bytes], encoding: str) -> Iterator[str]:
    errors = "surrogatepass" if encoding.startswith("utf-16") else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for chunk in chunks:
        yield decoder.decode(chunk)
    try:
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        # Half a character at the end of the file.
        yield "\udcff"
