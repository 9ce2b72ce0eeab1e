"""What a player asks for, whoever took it from the wire."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from api.auth.client import UNTOLD, Sender
from config.limits import MEDIA_TARGETS_KNOWN_MAX
from packager.naming import Path, parse_path

# 18 digits are below 2**63, and more than any stream will ever count to.
_DIGITS_MAX = 18


class Reload(NamedTuple):
    """The delivery directives of a playlist's request (rfc8216bis, 6.2.5).

    Attributes:
        sequence, part: what the playlist has to hold before it is sent; None: as it is.
        skip: leave out what the player has.
        complaint: why the directives cannot be meant.
    """

    sequence: int | None = None
    part: int | None = None
    skip: bool = False
    complaint: str = ""


class Conditions(NamedTuple):
    """The fields of a request that ask for less than the whole (RFC 9110, 13 and 14), as sent."""

    range: str | None = None
    if_range: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None


class Target(NamedTuple):
    """What follows the asset and the token: `path` is None when nothing can have this name."""

    path: Path | None
    reload: Reload


class MediaRequest(NamedTuple):
    """A GET, HEAD or OPTIONS of media.

    Attributes:
        token: None for what is public.
        closes: its client wants no other answer on the connection.
        end: where its head ends among the bytes that it was read from.
        sender: what it says of who sends it.
    """

    method: str
    asset: str
    token: str | None
    target: Target
    conditions: Conditions
    closes: bool = False
    end: int = 0
    sender: Sender = UNTOLD


UNCONDITIONAL = Conditions()


def read_reload(query: Iterable[tuple[str, str]]) -> Reload:
    """The directives among the parameters of a query; others are for others, and ignored."""
    found: dict[str, str] = {}
    for name, value in query:
        found.setdefault(name, value)
    sequence, part = found.get("_HLS_msn"), found.get("_HLS_part")
    if sequence is None and part is not None:
        return Reload(complaint="_HLS_part needs an _HLS_msn")
    for number in (sequence, part):
        if number is not None and not _is_number(number):
            return Reload(complaint="_HLS_msn and _HLS_part are decimal numbers")
    skip = found.get("_HLS_skip") in ("YES", "v2")
    return Reload(_number(sequence), _number(part), skip)


def read_target(path: str, query: Iterable[tuple[str, str]]) -> Target:
    """From a decoded path and the parameters of its query."""
    return Target(parse_path(path), read_reload(query))


@lru_cache(MEDIA_TARGETS_KNOWN_MAX)
def read_plain_target(target: bytes) -> Target:
    """From `/` path and query, in which nothing is escaped. At the live edge all ask alike."""
    path, _, query = target[1:].decode().partition("?")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return read_target(path, [(name, value) for name, _, value in pairs])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
