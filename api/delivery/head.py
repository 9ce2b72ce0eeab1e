"""Request heads (RFC 9112) as far as they are plainly of media; all others are aiohttp's.

A parser that shares a connection with another one may never understand a request otherwise than
that: a difference would let a client smuggle one (RFC 9112, 11.2). So this one takes only what can
be read in one way: a known method, a path without escapes, fields without continuation lines, no
body. Of other requests it tells where they end, if that is just as plain.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from api.auth.client import UNTOLD, Sender, agent_of
from api.delivery.request import (
    UNCONDITIONAL,
    Conditions,
    MediaRequest,
    Target,
    read_plain_target,
)
from config.limits import (
    HTTP_FIELD_BLOCKS_KNOWN_MAX,
    HTTP_FIELDS_MAX,
    HTTP_HEAD_KNOWN_BYTES_MAX,
    HTTP_HEADS_KNOWN_MAX,
    HTTP_MEDIA_FIELDS_BYTES_MAX,
)

_END = b"\r\n\r\n"
_METHODS = {b"GET": "GET", b"HEAD": "HEAD", b"OPTIONS": "OPTIONS"}
_make = tuple.__new__

# Ids and tokens of ours, and names that need no escape. What is in none of them is not ours either.
_ASSET, _TOKEN = rb"([a-z0-9_-]{1,64}+)", rb"([A-Za-z0-9_-]{1,128}+)"
_TARGET = rb"((?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}+){1,8}+(?:\?[A-Za-z0-9_.=&-]{0,255}+)?+)"
_MEDIA_LINE = re.compile(
    rb"(GET|HEAD|OPTIONS) /(?:hls/%b/%b|media/%b)%b HTTP/1\.([01])\r\n"
    % (_ASSET, _TOKEN, _ASSET, _TARGET)
)
# The same in two pieces: what is a viewer's own, and what all who ask for a file send alike.
_OWN = re.compile(rb"GET /hls/%b/%b(?=/)" % (_ASSET, _TOKEN))
_COMMON = re.compile(rb"%b HTTP/1\.1\r\n" % _TARGET)
_OTHER_LINE = re.compile(rb"(?:GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE) /[!-~]* HTTP/1\.[01]\r\n")
# RFC 9110, 5.5 and 5.6.2.
_FIELDS = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e\x80-\xff]*+\r\n)++")
_HOST = re.compile(rb"[A-Za-z0-9._:\[\]-]{1,255}")
_LENGTH = re.compile(rb"[0-9]{1,18}")
# Whoever gets one of these twice may take either.
_ONCE = frozenset(
    (
        *(b"host", b"connection", b"content-length"),
        *(b"range", b"if-range", b"if-match", b"if-none-match"),
    )
)
# The connection becomes another protocol, or the body ends where only its parser knows.
_OBSCURE = frozenset((b"transfer-encoding", b"upgrade", b"http2-settings", b"sec-websocket-key"))


class OtherHead(NamedTuple):
    """A request that is for somebody else.

    Attributes:
        end: where its head ends.
        body: how many bytes of its body follow; None: nobody here can say, nor where the next
            request begins.
    """

    end: int
    body: int | None


class _Fields(NamedTuple):
    """What matters here of a block of fields.

    Attributes:
        plain: nothing in it keeps a request from being one for media.
        length: of the body; None when nobody here can say.
        connection: `keep-alive`, `close`, or nothing.
    """

    plain: bool
    length: int | None
    connection: bytes
    conditions: Conditions
    sender: Sender


_UNREADABLE = _Fields(False, None, b"", UNCONDITIONAL, UNTOLD)


def read_head(data: bytes) -> MediaRequest | OtherHead | None:
    """The head at the front of `data`; None while it goes on."""
    own = _OWN.match(data)
    if own is not None and len(data) <= HTTP_HEAD_KNOWN_BYTES_MAX:
        common = _read_common(data[own.end() :])
        if common is not None:
            (asset, token), (target, sender) = own.groups(), common
            asset, token = _text(asset), token.decode()
            # What a NamedTuple's own constructor does, for a third of its time.
            return _make(
                MediaRequest,
                ("GET", asset, token, target, UNCONDITIONAL, False, len(data), sender),
            )
    return _read_any(data)


@lru_cache(HTTP_HEADS_KNOWN_MAX)
def _read_common(rest: bytes) -> tuple[Target, Sender] | None:
    """What is asked for by whom, when nothing but that is said in all that follows a viewer's own
    piece. None: it has to be read with more care. At the live edge all ask alike.
    """
    line = _COMMON.match(rest)
    if line is None or rest.find(_END) != len(rest) - len(_END):
        return None
    plain, _, connection, conditions, sender = _read_fields(rest[line.end() :])
    if not plain or connection == b"close" or conditions is not UNCONDITIONAL:
        return None
    return read_plain_target(line[1]), sender


def _read_any(data: bytes) -> MediaRequest | OtherHead | None:
    end = data.find(_END)
    if end < 0:
        return None
    end += 4
    line = _MEDIA_LINE.match(data)
    if line is None:
        return _other(data, end)
    fields = _read_fields(data[line.end() : end])
    method, asset, token, public, target, minor = line.groups()
    plain, length, connection, conditions, sender = fields
    if not plain or (minor == b"0" and connection == b"keep-alive"):
        return OtherHead(end, length)
    closes = minor == b"0" or connection == b"close"
    known = read_plain_target(target)
    shown = None if token is None else token.decode()
    asset = public if token is None else asset
    asset_id, method_name = _text(asset), _METHODS[method]
    return MediaRequest(method_name, asset_id, shown, known, conditions, closes, end, sender)


@lru_cache(HTTP_FIELD_BLOCKS_KNOWN_MAX)
def _text(asset: bytes) -> str:
    """One object for all who ask, whose tokens are remembered next to it."""
    return asset.decode()


def _other(data: bytes, end: int) -> OtherHead:
    line = _OTHER_LINE.match(data)
    if line is None:
        return OtherHead(end, None)
    return OtherHead(end, _read_fields(data[line.end() : end]).length)


@lru_cache(HTTP_FIELD_BLOCKS_KNOWN_MAX)
def _read_fields(block: bytes) -> _Fields:
    """Players send the same fields with each of their requests.

    Args:
        block: what follows the request line, with the empty line.
    """
    if _FIELDS.fullmatch(block, 0, len(block) - 2) is None:
        return _UNREADABLE
    found: dict[bytes, bytes] = {}
    lines = block[:-4].split(b"\r\n")
    for line in lines:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in _OBSCURE or (name in _ONCE and name in found):
            return _UNREADABLE
        found[name] = value.strip(b" \t")
    # aiohttp refuses some fields that come twice, such as User-Agent, and long ones.
    is_simple = (
        len(found) == len(lines) <= HTTP_FIELDS_MAX and len(block) <= HTTP_MEDIA_FIELDS_BYTES_MAX
    )
    return _fields(found, is_simple=is_simple)


def _fields(found: dict[bytes, bytes], *, is_simple: bool) -> _Fields:
    length = found.get(b"content-length", b"0")
    connection = found.get(b"connection", b"").lower()
    if _LENGTH.fullmatch(length) is None or connection not in (b"", b"keep-alive", b"close"):
        return _UNREADABLE
    plain = (
        is_simple
        and b"content-length" not in found
        and b"expect" not in found
        and _HOST.fullmatch(found.get(b"host", b"")) is not None
    )
    return _Fields(plain, int(length), connection, _conditions(found), _sender(found))


def _sender(found: dict[bytes, bytes]) -> Sender:
    """Fields that come twice are in no plain head."""
    told = [found.get(name, b"").decode("latin-1") for name in (b"x-forwarded-for", b"forwarded")]
    return Sender(agent_of(found.get(b"user-agent", b"")), *told)


def _conditions(found: dict[bytes, bytes]) -> Conditions:
    names = (b"range", b"if-range", b"if-match", b"if-none-match")
    values = [found.get(name) for name in names]
    if values.count(None) == len(values):
        return UNCONDITIONAL
    return Conditions(*(None if value is None else value.decode("latin-1") for value in values))
