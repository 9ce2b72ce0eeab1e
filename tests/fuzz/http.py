"""Heads of HTTP requests: whatever ours takes for one, aiohttp's parser takes for the same.

The two share connections. Where they disagreed on what a request is, or where it ends, a client
could smuggle one past the other.
"""

import asyncio
from typing import Any

from aiohttp import hdrs
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD
from yarl import URL

from api.delivery.head import OtherHead, read_head
from api.delivery.request import Conditions, MediaRequest, read_target
from tests.fuzz.target import Target

_LOOP = asyncio.new_event_loop()
_NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"


def _parsed(data: bytes) -> list[tuple[RawRequestMessage, Any]] | None:
    """The requests that aiohttp sees; None when it refuses."""
    parser = HttpRequestParser(BaseProtocol(_LOOP), _LOOP, 2**16)
    try:
        messages, upgraded, tail = parser.feed_data(data)
    except HttpProcessingError:
        return None
    assert not upgraded
    assert not tail
    return list(messages)


def check_head(data: bytes) -> None:
    """Ours ends where aiohttp's ends, and what we understand is what it says."""
    head = read_head(data)
    if head is None or (isinstance(head, OtherHead) and head.body is None):
        return
    own = data[: head.end]
    if isinstance(head, MediaRequest):
        # Behind a request that closes nothing may follow.
        parsed = _parsed(own if head.closes else own + _NEXT)
        assert parsed is not None, "what is plain cannot be refused"
        (message, payload), *following = parsed
        assert payload is EMPTY_PAYLOAD
        assert [after.path for after, _ in following] == ["/next"] * (not head.closes)
        _check_same(head, message)
    elif head.body is not None and head.body < 2**16:
        parsed = _parsed(own + b"G" * head.body + _NEXT)
        # A request that it refuses ends the connection.
        assert parsed is None or [message.path for message, _ in parsed][1:] == ["/next"]


def _check_same(request: MediaRequest, message: RawRequestMessage) -> None:
    assert message.method == request.method
    assert message.should_close == request.closes
    url = URL(message.path, encoded=True)
    start, asset, *rest = url.path.removeprefix("/").split("/")
    assert start == ("media" if request.token is None else "hls")
    assert asset == request.asset
    if request.token is not None:
        assert rest.pop(0) == request.token
    assert read_target("/".join(rest), list(url.query.items())) == request.target
    names = (hdrs.RANGE, hdrs.IF_RANGE, hdrs.IF_MATCH, hdrs.IF_NONE_MATCH)
    fields = [message.headers.get(name) for name in names]
    if all(field is None or field.isascii() for field in fields):
        assert Conditions(*fields) == request.conditions


TARGETS = (Target("http_head", check_head),)
