"""The raw protocol and aiohttp answer alike, whatever is asked, however it is cut."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

import pytest
import uvloop
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.auth.playback_token import Grant, PlaybackTokens
from api.delivery.tally import TALLY
from api.delivery.watch import Deadlines
from metering.errors import SessionClosed
from metering.intake import Delivery, Promise
from tests.api.delivery.dialogue import Answered, Asked, answers, talk
from tests.api.delivery.site import ASSET, RENDITION, Film, aiohttp_alone, open_site

EXAMPLES = 100
DEADLINES = Deadlines(head_ms=250, watch_ms=50)
CLOSED, OPEN = (f"ses_{digit * 26}" for digit in "01")
LAST = Asked("GET", "/api/echo", fields=("Host: a", "Connection: close"))


class Anybody:
    """A meter that gives leave for ever: what the real one says depends on the time."""

    def __init__(self) -> None:
        self.finished: list[bool] = []

    def look(self, session_id: str) -> None:
        self.require_open(session_id)

    def require_open(self, session_id: str) -> None:
        if session_id == CLOSED:
            raise SessionClosed(session_id)

    async def locate(self, session_id: str) -> None:
        self.require_open(session_id)

    def waive(self, session_id: str, lo: int, hi: int) -> None:
        del lo, hi
        self.require_open(session_id)

    def request_at_once(
        self, session_id: str, sequence: int, lo: int, hi: int, *, prompt: bool, height: int
    ) -> Delivery | None:
        return Delivery(session_id, sequence, 1) if session_id == OPEN and sequence % 2 else None

    def request_soon(
        self, session_id: str, sequence: int, lo: int, hi: int, *, height: int
    ) -> Promise | None:
        if sequence % 4:
            return None
        loop, promise = asyncio.get_running_loop(), Promise(Delivery(session_id, sequence, 1))
        if session_id == CLOSED:
            loop.call_soon(promise.set_exception, SessionClosed(session_id))
        else:
            loop.call_soon(promise.set_result, None)
        return promise

    async def request(
        self, session_id: str, sequence: int, lo: int, hi: int, *, prompt: bool, height: int
    ) -> Delivery:
        self.require_open(session_id)
        await asyncio.sleep(0)
        return Delivery(session_id, sequence, 1)

    def finish(self, delivery: Delivery, complete: bool, taken: int = 0) -> None:
        self.finished.append(complete)


@dataclass(frozen=True)
class Ports:
    """Of three servers of one site: ours, ours with everything left to aiohttp, and aiohttp's."""

    raw: int
    lent: int
    alone: int


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[asyncio.Runner, Ports]]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        opening = _servers()
        yield runner, runner.run(anext(opening))
        with pytest.raises(StopAsyncIteration):
            runner.run(anext(opening))


async def _servers() -> AsyncGenerator[Ports]:
    film = Film(sizes={2: 3_000_000})
    async with (
        open_site(DEADLINES, metering=Anybody(), film=film) as site,
        open_site(DEADLINES, raw=False, metering=Anybody(), film=film) as lending,
        aiohttp_alone(site) as alone,
    ):
        yield Ports(site.port, lending.port, alone)


async def _asked(ports: list[int], asked: list[Asked], cuts: list[float]) -> list[list[Answered]]:
    data = b"".join(one.data() for one in (*asked, LAST))
    places = sorted({int(cut * len(data)) for cut in cuts})
    received = await asyncio.gather(*(talk(port, data, places) for port in ports))
    methods = [one.method for one in (*asked, LAST)]
    return [answers(each, methods) for each in received]


def url(path: str, session: str = OPEN, asset: str = ASSET) -> str:
    """As both sites sign it."""
    grant = Grant(session, 1 << 31)
    return f"/hls/{asset}/{PlaybackTokens(bytes(32)).session_token(grant, asset)}/{path}"


PATHS = [
    *("master.m3u8", f"{RENDITION}/index.m3u8", f"{RENDITION}/init-0.mp4"),
    *(f"{RENDITION}/{number}.m4s" for number in range(4)),
    *(f"{RENDITION}/1.3.m4s", f"{RENDITION}/01.m4s", "1080p/index.m3u8", "1080p/1.m4s"),
    *("nothing", "../x", "a//b", "a/", "%6daster.m3u8", f"{RENDITION}/index.m3u8%20", "a;b", "a#b"),
]
QUERIES = [
    *("", "", "", "?", "?a=1", "?a=%31&b=c+d", "?_HLS_msn=1", "?_HLS_msn=99", "?_HLS_part=1"),
    *("?_HLS_msn=x", "?_HLS_msn=", "?_HLS_msn", "?_HLS_msn=1&_HLS_part=0", "?_HLS_skip=YES"),
    *("?_HLS_msn=%31", "?_HLS_msn=1&_HLS_msn=99", "?&&_HLS_msn=1", "?_HLS_msn=1=2", "?a?b=/"),
]
CONDITIONS = [
    *("Range: bytes=0-0", "Range: bytes=100-", "Range: bytes=-7", "Range: bytes=9999999-"),
    *("Range: bytes=1-2,5-6", "Range: lines=1-2", "Range: bytes=5-4", "range:bytes=0-9"),
    *('If-None-Match: "x"', "If-None-Match: *", "If-Match: *", 'If-Match: "x"', 'If-Range: "x"'),
    "If-Range: Mon, 30 Nov 2026 10:00:00 GMT",
]
HARMLESS = [
    *("User-Agent: a b", "Accept: */*", "Origin: http://x", "X:", "X-Y: \tz ", "Cookie: \xe9=1"),
    *("Connection: keep-alive", "Access-Control-Request-Method: GET", "Accept-Encoding: gzip, br"),
]
# Where the next request begins is said twice, wrongly, or not at all.
SMUGGLED = b"GET /api/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
HOSTILE = [
    ("Content-Length: 0", b""),
    ("Content-Length: 5", b"hello"),
    ("Content-Length: 05", b"hello"),
    ("Content-Length: +5", b"hello"),
    ("Content-Length: 5, 5", b"hello"),
    ("Content-Length: 5 ", b"hello"),
    (f"Content-Length: {len(SMUGGLED)}", SMUGGLED),
    (f"Content-Length : {len(SMUGGLED)}", SMUGGLED),
    ("Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n"),
    ("Transfer-Encoding: chunked", b"0\r\n\r\n" + SMUGGLED),
    ("Transfer-Encoding: identity", b""),
    ("Transfer-Encoding: chunked, identity", SMUGGLED),
    ("Transfer-Encoding:\tchunked\r\nContent-Length: 4", b"0\r\n\r\n"),
    ("Content-Length: 4\r\nTransfer-Encoding: chunked", b"0\r\n\r\n" + SMUGGLED),
    ("Content-Length: 5\r\nContent-Length: 6", b"hello!"),
    ("X: a\r\n folded", b""),
    ("X: a\nTransfer-Encoding: chunked", SMUGGLED),
    ("X: a\rb", b""),
    ("X: a\0b", b""),
    ("no colon", b""),
    (": nameless", b""),
    ("Host: b", b""),
    ("User-Agent: a\r\nUser-Agent: b", b""),
    ("Connection: close, keep-alive", b""),
    ("Expect: 100-continue", b""),
    ("Upgrade: websocket\r\nConnection: upgrade", b""),
    (f"X: {'y' * 9_000}", b""),
    (f"X: {'y' * 20_000}", b""),
    ("\r\n".join(f"X-{number}: a" for number in range(100)), b""),
    ("\r\n".join(f"X-{number}: a" for number in range(200)), b""),
]

media = st.builds(
    lambda path, query, session: url(path, session) + query,
    st.one_of(st.sampled_from(PATHS[:8]), st.sampled_from(PATHS)),
    st.sampled_from(QUERIES),
    st.sampled_from([OPEN, OPEN, OPEN, CLOSED]),
)
other = st.sampled_from(
    [
        *("/api/echo", "/api/echo?a=%20", "/nothing", "/hls/", f"/hls/{ASSET}/token/master.m3u8"),
        *(f"/media/{ASSET}/{RENDITION}/1.m4s", f"/media/{ASSET}/{RENDITION}/init-0.mp4"),
        *("/media/ast_none/x", f"/hls/ast_none/{'0' * 82}/master.m3u8", "//", "/hls/%2e%2e/x/y"),
    ]
)
odd = st.sampled_from(["*", "http://a/api/echo", "/api/\xe9cho", "a", "/x y", "/\0"])
good = st.builds(
    Asked,
    method=st.sampled_from(["GET", "GET", "GET", "HEAD", "OPTIONS"]),
    target=media,
    fields=st.lists(st.sampled_from([*CONDITIONS, *HARMLESS]), max_size=3, unique=True).map(
        lambda fields: ("Host: a", *fields)
    ),
)
for_others = st.builds(
    Asked,
    method=st.sampled_from(["GET", "HEAD", "OPTIONS"]),
    target=other,
    fields=st.lists(st.sampled_from(HARMLESS), max_size=2, unique=True).map(
        lambda fields: ("Host: a", *fields)
    ),
)
posted = st.binary(max_size=20).map(
    lambda body: Asked(
        "POST", "/api/echo", fields=("Host: a", f"Content-Length: {len(body)}"), body=body
    )
)
bad = st.builds(
    lambda method, target, version, hostile, host, line_end: Asked(
        method, target, version, (*host, hostile[0]), hostile[1], line_end
    ),
    st.sampled_from(["GET", "GET", "HEAD", "POST", "get", "DELETE", "PRI", "\r\nGET", " GET", ""]),
    st.one_of(media, other, odd),
    st.sampled_from(["HTTP/1.1"] * 5 + ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/1.1 ", "", "x"]),
    st.sampled_from(HOSTILE),
    st.sampled_from([("Host: a",)] * 4 + [(), ("Host:",), ("Host: a b",), ("Host: a", "Host: a")]),
    st.sampled_from(["\r\n"] * 6 + ["\n", "\r"]),
)
cuts = st.lists(st.floats(0, 1, exclude_max=True), max_size=4)
several = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # finding the smallest example takes minutes on real sockets
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def test_pipelines_of_good_requests_are_answered_alike(
    servers: tuple[asyncio.Runner, Ports],
) -> None:
    runner, ports = servers

    @several
    @given(st.lists(st.one_of(good, good, for_others, posted), min_size=1, max_size=6), cuts)
    def check(asked: list[Asked], cuts: list[float]) -> None:
        raw, lent, alone = runner.run(_asked([ports.raw, ports.lent, ports.alone], asked, cuts))
        assert raw == alone
        assert lent == alone
        assert len(raw) == len(asked) + 1

    before = sum(TALLY.statuses)
    check()
    assert sum(TALLY.statuses) - before > EXAMPLES // 2, "not all of it is left to aiohttp"


def test_bad_requests_in_pipelines_are_answered_alike(
    servers: tuple[asyncio.Runner, Ports],
) -> None:
    """aiohttp drops the answers to good ones that it got together with a bad one."""
    runner, ports = servers

    @several
    @given(st.lists(good, max_size=2), bad)
    def check(before: list[Asked], one: Asked) -> None:
        # In one piece: what is sent to a server that has closed resets what it had answered.
        raw, lent = runner.run(_asked([ports.raw, ports.lent], [*before, one], []))
        assert raw == lent
        # aiohttp alone also refuses the last of a connection for what follows it.
        if not before and one.version != "HTTP/1.0":
            (alone,) = runner.run(_asked([ports.alone], [one], []))
            assert [each.status for each in raw] == [each.status for each in alone]

    check()


def test_a_request_may_be_cut_anywhere(servers: tuple[asyncio.Runner, Ports]) -> None:
    runner, ports = servers
    media = Asked("GET", url("master.m3u8"))
    posted = Asked("POST", "/api/echo", fields=("Host: a", "Content-Length: 3"), body=b"abc")
    asked = [media, posted, media]
    (whole,) = runner.run(_asked([ports.alone], asked, []))
    size = sum(len(one.data()) for one in (*asked, LAST))
    assert [each.status for each in whole] == [200] * 4
    for cut in range(0, size, 7):
        assert runner.run(_asked([ports.raw], asked, [cut / size])) == [whole]


def test_every_answer_may_be_read_by_any_page(servers: tuple[asyncio.Runner, Ports]) -> None:
    runner, ports = servers
    paths = [*PATHS[:8], "nothing"]
    for method in ("GET", "HEAD", "OPTIONS"):
        asked = [Asked(method, url(path)) for path in paths]
        ((*found, _),) = runner.run(_asked([ports.raw], asked, []))
        for each in found:
            assert each.fields["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in each.fields
            assert "Content-Range" in each.fields["access-control-expose-headers"]
        if method == "OPTIONS":
            assert {each.status for each in found} == {204}
            assert "Range" in found[0].fields["access-control-allow-headers"]
            assert int(found[0].fields["access-control-max-age"]) > 0
