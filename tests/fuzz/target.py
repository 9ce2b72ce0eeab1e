"""What is fuzzed: a function of bytes that may not fail, whatever they are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

KEPT = Path(__file__).parents[1] / "data" / "fuzz"


@dataclass(frozen=True, slots=True)
class Target:
    """`check` hands the bytes to a parser, and raises when that breaks a promise.

    The parser's declared errors are none; everything else is, and so are values that nobody
    behind the parser expects.
    """

    name: str
    check: Callable[[bytes], None]
    bytes_max: int = 4096

    @property
    def kept(self) -> Path:
        """The folder with inputs to begin with (`seed-*`) and those that failed (`crash-*`)."""
        return KEPT / self.name


def pieces(data: bytes) -> Iterator[bytes]:
    """Cut an input as the network would: pieces behind lengths of two bytes."""
    position = 0
    while position + 2 <= len(data):
        end = position + 2 + int.from_bytes(data[position : position + 2], "big")
        yield data[position + 2 : end]
        position = end
