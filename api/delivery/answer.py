"""What is answered to a request for media, in the shape that both senders send."""

from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from metering.intake import Delivery

# Whoever embeds a player asks for media without credentials: the token is in the path.
CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "Content-Length, Content-Range, Date, ETag, Retry-After"),
)
PRIVATE = "private, no-store"
IMMUTABLE = "public, max-age=31536000, immutable"


class Kind(NamedTuple):
    """What answers have in common: made once, as pairs for aiohttp and as bytes for sockets."""

    status: int
    pairs: tuple[tuple[str, str], ...]
    text: bytes


@lru_cache(256)
def kind(status: int, *pairs: tuple[str, str]) -> Kind:
    """A kind of answers with these fields."""
    line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
    return Kind(status, pairs, line.encode() + field_lines(pairs))


def field_lines(pairs: tuple[tuple[str, str], ...]) -> bytes:
    return "".join([f"{name}: {value}\r\n" for name, value in pairs]).encode("latin-1")


@dataclass(slots=True, eq=False)
class Shared:
    """What senders know of an answer that is the same for all who ask; see `api.delivery.image`.

    Attributes:
        date_line: of the second in which it was sent last.
        times: how often it was then.
        image: of that second.
    """

    date_line: bytes = b""
    times: int = 0
    image: object = None


class Answer(NamedTuple):
    """One answer. `delivery` is finished when the viewer's socket has taken every byte, or not.

    Attributes:
        length: as in `Content-Length`; None where there is no such field.
        body: nothing after HEAD.
        fields: lines that only this answer has.
        shared: of what is the same for all but for its delivery.
    """

    kind: Kind
    length: int | None
    body: bytes | memoryview
    delivery: Delivery | None = None
    fields: bytes = b""
    shared: Shared | None = None

    @property
    def status(self) -> int:
        return self.kind.status

    def pairs(self) -> list[tuple[str, str]]:
        """All fields but those of the connection, as names and values."""
        lines = [line.partition(": ") for line in self.fields.decode("latin-1").splitlines()]
        return [*self.kind.pairs, *((name, value) for name, _, value in lines)]


def with_body(kind: Kind, body: bytes, method: str, fields: bytes = b"") -> Answer:
    """An answer that costs nothing; to HEAD without its body (RFC 9110, 9.3.2)."""
    content = b"" if method == "HEAD" else body
    # What a NamedTuple's own constructor does, for a third of its time.
    return tuple.__new__(Answer, (kind, len(body), content, None, fields, None))


def head_of(answer: Answer, date_line: bytes, *, closes: bool) -> bytes:
    """All that is sent before the body."""
    kind, length, _, _, fields, _ = answer
    return b"".join((kind.text, fields, date_line, head_end(length, closes=closes)))


@lru_cache(1_024)
def head_end(length: int | None, *, closes: bool) -> bytes:
    """The last lines of a head. Viewers' copies of a playlist are all of one length."""
    has = b"" if length is None else b"Content-Length: %d\r\n" % length
    return has + (b"Connection: close\r\n\r\n" if closes else b"\r\n")


PREFLIGHT = Answer(
    kind(
        204,
        ("Allow", "GET, HEAD, OPTIONS"),
        ("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"),
        ("Access-Control-Allow-Headers", "Range, If-Match, If-None-Match, If-Range"),
        ("Access-Control-Max-Age", "86400"),
        *CORS,
    ),
    None,
    b"",
)
"""Answers OPTIONS, browsers' question before a request that is not simple (Fetch, 4.8)."""
