"""Heads that can be read in one way only are read; all others are somebody else's."""

import pytest

from api.delivery.head import OtherHead, read_head
from api.delivery.request import UNCONDITIONAL, Conditions, MediaRequest, Reload, Target
from packager.naming import PartPath, PlaylistPath, SegmentPath

PLAYLIST = "/hls/ast_1/to-ken/720p/index.m3u8"


def head(line: str, *fields: str) -> bytes:
    return "\r\n".join((line, "Host: a", *fields, "", "")).encode("latin-1")


def read(line: str, *fields: str) -> MediaRequest | OtherHead | None:
    return read_head(head(line, *fields))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (PLAYLIST, Target(PlaylistPath("720p"), Reload())),
        (f"{PLAYLIST}?_HLS_msn=4", Target(PlaylistPath("720p"), Reload(4))),
        (
            f"{PLAYLIST}?_HLS_msn=4&_HLS_part=0&_HLS_skip=YES&other=1",
            Target(PlaylistPath("720p"), Reload(4, 0, skip=True)),
        ),
        (f"{PLAYLIST}?_HLS_msn=4&_HLS_msn=5", Target(PlaylistPath("720p"), Reload(4))),
        (f"{PLAYLIST}?_HLS_skip=v2", Target(PlaylistPath("720p"), Reload(skip=True))),
        (f"{PLAYLIST}?_HLS_skip=no", Target(PlaylistPath("720p"), Reload())),
        ("/hls/ast_1/to-ken/720p/41.m4s", Target(SegmentPath("720p", 41), Reload())),
        ("/hls/ast_1/to-ken/720p/41.3.m4s", Target(PartPath("720p", 41, 3), Reload())),
        ("/hls/ast_1/to-ken/720p/nothing", Target(None, Reload())),
    ],
)
def test_a_request_for_media_is_read(target: str, expected: Target) -> None:
    whole = head(f"GET {target} HTTP/1.1")
    request = MediaRequest("GET", "ast_1", "to-ken", expected, UNCONDITIONAL, False, len(whole))
    # With more behind it, alone, and when the same was read before.
    assert [read_head(each) for each in (whole + b"GET /next", whole, whole)] == [request] * 3
    assert read_head(whole * 2) == request
    for cut in range(len(whole)):
        assert read_head(whole[:cut]) is None


@pytest.mark.parametrize("query", ["_HLS_msn=", "_HLS_msn=x", "_HLS_part=1", f"_HLS_msn={9:019}"])
def test_directives_that_cannot_be_meant_are_complained_of(query: str) -> None:
    request = read(f"GET {PLAYLIST}?{query} HTTP/1.1")
    assert isinstance(request, MediaRequest)
    assert request.target.reload.complaint


def test_conditions_and_the_wish_to_close_are_read() -> None:
    request = read(
        f"HEAD {PLAYLIST} HTTP/1.1",
        "RANGE:  bytes=0-1 ",
        'If-None-Match:"a"',
        "Connection: Close",
        "X-Other: caf\xe9",
    )
    assert isinstance(request, MediaRequest)
    assert request.conditions == Conditions(range="bytes=0-1", if_none_match='"a"')
    assert (request.method, request.closes) == ("HEAD", True)
    old = read(f"GET {PLAYLIST} HTTP/1.0")
    assert isinstance(old, MediaRequest)
    assert old.closes


def test_what_is_public_has_no_token() -> None:
    request = read("GET /media/ast_1/720p/1.m4s HTTP/1.1")
    assert isinstance(request, MediaRequest)
    assert (request.asset, request.token) == ("ast_1", None)


@pytest.mark.parametrize(
    ("line", "fields", "body"),
    [
        ("GET / HTTP/1.1", [], 0),
        ("POST /api HTTP/1.1", ["Content-Length: 12"], 12),
        (f"POST {PLAYLIST} HTTP/1.1", [], 0),
        (f"GET {PLAYLIST} HTTP/1.1", ["Content-Length: 0"], 0),
        (f"GET {PLAYLIST} HTTP/1.1", ["Content-Length: 7"], 7),
        (f"GET {PLAYLIST} HTTP/1.1", ["Expect: 100-continue"], 0),
        (f"GET {PLAYLIST} HTTP/1.0", ["Connection: keep-alive"], 0),
        (f"GET {PLAYLIST}%20 HTTP/1.1", [], 0),
        (f"GET {PLAYLIST}?a=%31 HTTP/1.1", [], 0),
        ("GET /hls/ast_1/to-ken/../x HTTP/1.1", [], 0),
        ("GET /hls/ast_1/to-ken//x HTTP/1.1", [], 0),
        ("GET /hls/ast_1/to-ken/x/ HTTP/1.1", [], 0),
        ("GET /hls/ast_1/to-ken/x#y HTTP/1.1", [], 0),
        (f"GET {PLAYLIST} HTTP/1.1", ["Host: b"], None),
        (f"GET {PLAYLIST} HTTP/1.1", ["Range: bytes=0-", "range: bytes=1-"], None),
        (f"GET {PLAYLIST} HTTP/1.1", ["Transfer-Encoding: chunked"], None),
        (f"POST {PLAYLIST} HTTP/1.1", ["Content-Length: 1", "Content-Length: 1"], None),
        ("POST /api HTTP/1.1", ["Content-Length: +1"], None),
        ("POST /api HTTP/1.1", ["Content-Length: 1, 1"], None),
        (f"GET {PLAYLIST} HTTP/1.1", ["Upgrade: h2c"], None),
        (f"GET {PLAYLIST} HTTP/1.1", ["Connection: keep-alive, upgrade"], None),
        (f"GET {PLAYLIST} HTTP/1.1", ["X: a", " folded"], None),
        (f"GET {PLAYLIST} HTTP/1.1", ["X : a"], None),
        (f"GET {PLAYLIST} HTTP/1.1", ["X: a\0"], None),
        (f"GET {PLAYLIST} HTTP/1.1", ["X: a\rb"], None),
        (f"GET {PLAYLIST} HTTP/1.1", ["X: a\nContent-Length: 3"], None),
        (f"GET  {PLAYLIST} HTTP/1.1", [], None),
        (f"GET {PLAYLIST} HTTP/1.1 ", [], None),
        (f"GET {PLAYLIST} HTTP/2.0", [], None),
        (f"get {PLAYLIST} HTTP/1.1", [], None),
        (f"GET http://a{PLAYLIST} HTTP/1.1", [], None),
        ("CONNECT a:1 HTTP/1.1", [], None),
        ("OPTIONS * HTTP/1.1", [], None),
        ("", [], None),
    ],
)
def test_other_requests_are_measured_if_that_is_plain(
    line: str, fields: list[str], body: int | None
) -> None:
    found = read(line, *fields)
    assert isinstance(found, OtherHead)
    assert found.body == body
    assert read_head(head(line, *fields) + b"GET /next") == found


def test_a_head_with_many_fields_is_not_media() -> None:
    many = [f"X-{number}: a" for number in range(64)]
    assert isinstance(read(f"GET {PLAYLIST} HTTP/1.1", *many), OtherHead)
    assert isinstance(read(f"GET {PLAYLIST} HTTP/1.1", *many[1:]), MediaRequest)
