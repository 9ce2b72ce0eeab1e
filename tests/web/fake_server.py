"""A small server with the interface that the pages use, a real recording and exact bills."""

import asyncio
import json
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from api.errors import Problem
from tests.web.fake_account import FakeAccount
from tests.web.fake_doors import FakeDoors
from tests.web.fake_passes import FakePasses, offered_for
from tests.web.fake_prices import (
    PRICE_SECONDS,
    PRICE_STROOPS,
    STROOPS,
    Unbillable,
    amount,
    price,
    price_of,
)
from tests.web.fake_uploads import FakeUploads
from tests.web.recorded import SECONDS, Recording

CREATOR_TOKEN = "creator-token-of-the-test"
FIRST_SEGMENTS = 6
PUSH_SECONDS = 0.2

_POLICY = (
    "default-src 'self'; img-src 'self' data:; media-src 'self' blob: data:; "
    "worker-src 'self' blob:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
)


def content(identity: str, title: str, state: str, **other: Any) -> dict[str, Any]:
    """One thing to watch, as the catalogue lists it."""
    return {
        "id": identity,
        "title": title,
        "kind": "live",
        "state": state,
        "playable": state in ("live", "on_demand"),
        "creator": "Ada",
        "price": price(),
        "passes": [],
        "startedAt": "2026-11-21T10:00:00.000Z",
        "endedAt": None,
        "durationSeconds": None,
        "watchUrl": f"/watch/{identity}",
        "viewers": 3,
        "interrupted": False,
        "captions": [],
        "clipOf": None,
        "posterUrl": None,
        "storyboardUrl": None,
        **other,
    }


def upload(identity: str, title: str, state: str, **other: Any) -> dict[str, Any]:
    """One uploaded file, with its pictures as soon as it can be watched."""
    at = f"/api/v1/content/{identity}"
    made = content(identity, title, state, kind="upload", viewers=0, **other)
    pictures = {"posterUrl": f"{at}/poster.jpg", "storyboardUrl": f"{at}/storyboard.vtt"}
    return {**made, **pictures} if made["playable"] else made


def source(identity: str, name: str, **other: Any) -> dict[str, Any]:
    """One source, as its creator sees it."""
    return {
        "id": identity,
        "name": name,
        "title": name.title(),
        "state": "idle",
        "reconnectMsLeft": None,
        "reconnectSeconds": 60,
        "takeover": "replace",
        "dvrSeconds": 0,
        "delivery": "direct",
        "publishers": [],
        "assetId": None,
        "watchUrl": f"/watch/{name}",
        "rtmpUrl": "rtmp://127.0.0.1:1935/live",
        "rtmpsUrl": "rtmps://127.0.0.1:1936/live",
        "price": price(),
        "passes": [],
        "health": None,
        **other,
    }


def publisher(*findings: dict[str, Any], complete: bool = True, **other: Any) -> dict[str, Any]:
    """One publisher of a source, with what was found about its encoder."""
    video = {
        "kind": "video",
        "number": 0,
        "coding": "h264",
        "codec": "avc1.64002a",
        "bitrate": 6_000_000,
        "profile": "High 4.2",
        "width": 1920,
        "height": 1080,
        "frameRate": 59.94,
        "keyframeMs": 10_000,
        "keyframeMsMax": 10_000,
    }
    sound = {
        "kind": "audio",
        "number": 0,
        "coding": "aac",
        "codec": "mp4a.40.2",
        "bitrate": 160_000,
        "sampleRate": 48_000,
        "channels": 2,
    }
    tracks = [video, sound]
    facts = {"encoder": "obs-output module (libobs version 32.0.1)", "tracks": tracks}
    return {
        "address": "203.0.113.7",
        "client": "FMLE/3.0 (compatible; FMSc/1.0)",
        "secure": True,
        "role": "active",
        "connectedMs": 754_000,
        "bitrate": 6_160_000,
        "preflight": {"complete": complete, "findings": list(findings), "facts": facts},
        **other,
    }


LONG_GOP = {
    "code": "gop_too_long",
    "severity": "warning",
    "cause": "A keyframe comes every 10 s: your picture has to be encoded again here.",
    "cure": "Set Keyframe Interval to 2 s in OBS, Settings, Output.",
}

HEALTH: dict[str, Any] = {
    "lagMs": 180,
    "workerRestarts": 0,
    "droppedPackets": 0,
    "messages": ["the machine is busy: 720p is left out", "the machine is busy"],
    "renditions": [
        {
            "name": name,
            "width": width,
            "height": height,
            "frameRate": frame_rate,
            "bitrate": bitrate,
            "passedThrough": name == "source",
            "state": "shed" if name == "720p" else "active",
            "reason": "the machine is busy" if name == "720p" else None,
        }
        for name, width, height, frame_rate, bitrate in (
            ("source", 1920, 1080, 60.0, 6_000_000),
            ("720p", 1280, 720, 30.0, 3_000_000),
            ("360p", 640, 360, 30.0, 800_000),
            ("audio", None, None, None, 128_000),
        )
    ],
}


def stream_key(identity: str, label: str, expires_at: str | None = None) -> dict[str, Any]:
    """One stream key, as its creator sees it later."""
    return {
        "id": identity,
        "label": label,
        "main": label == "main",
        "createdAt": "2026-11-20T09:00:00.000Z",
        "expiresAt": expires_at,
        "expired": False,
        "lastUsedAt": None if expires_at is None else "2026-11-21T09:00:00.000Z",
    }


@dataclass(slots=True)
class Session:
    """A viewer's session: billed by the distinct seconds that were delivered."""

    content: dict[str, Any]
    price_stroops: int
    delivered: set[int] = field(default_factory=set)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def amount(self) -> int:
        return self.price_stroops * len(self.delivered) // PRICE_SECONDS


class FakeServer:
    """Answers as the real one does. A test changes the public attributes to make things happen."""

    live_listed = FIRST_SEGMENTS
    """Segments of a live that players were told of: it never becomes shorter."""
    _live_since: float | None = None
    _runner: web.AppRunner | None = None

    def __init__(self, dist: Path, recording: Recording) -> None:
        self._dist = dist
        self._recording = recording
        self.url = ""
        self.play_money = True
        self.balance = 0
        self.fund_to = 100 * STROOPS
        self.contents: dict[str, dict[str, Any]] = {}
        self.sources: list[dict[str, Any]] = []
        # What is said of a higher price, and which ones viewers agreed to.
        self.price_change: dict[str, Any] | None = None
        self.seconds_waived = 0
        self.agreed: list[str] = []
        self.sessions: dict[str, Session] = {}
        self.account = FakeAccount()
        self.passes = FakePasses(self, problem)
        self.doors = FakeDoors("guest", CREATOR_TOKEN)
        self.payouts: list[dict[str, Any]] = []
        self.obstacle: str | None = None
        self.earned = 12_345_678
        self.created: list[dict[str, Any]] = []
        self.priced: list[tuple[str, dict[str, Any]]] = []
        """What got which price, as it was asked for."""
        self.splits: list[dict[str, Any]] = []
        self.receipts: dict[str, bytes] = {}
        """Files of receipts by session; any other session has none."""
        self.receipt_keys: list[dict[str, str]] = []
        self._followed = 0
        self.unfollowed = asyncio.Event()
        self.keys = [stream_key("key_1", "main")]
        self.grace_seconds: list[int] = []
        self.live_ended = False
        self.live_held: int | None = None
        """Segments of a live whose publisher has gone; None while it is there."""
        self.seconds_made = FIRST_SEGMENTS
        """Of an upload that is still processed: what can be watched of it."""
        self.refuse: Callable[[web.Request], int | None] = lambda _request: None
        self.tells_first = False
        """A new source is in the events before its maker is answered."""
        self._told = asyncio.Event()
        self._stopping = asyncio.Event()
        self.uploads = FakeUploads(lambda: self.contents, creator, self._stopping)

    async def start(self) -> None:
        application = web.Application(middlewares=[self._guard])
        application.add_routes(
            [
                *self.uploads.routes(),
                *self.account.routes(),
                *self.passes.routes(),
                *self.doors.routes(),
                web.get("/login", self._page("login.html")),
                web.get("/", self._page("index.html")),
                web.get("/watch/{id}", self._page("watch.html")),
                web.get("/studio", self._page("studio.html")),
                web.get("/account", self._page("account.html")),
                web.get("/verify", self._page("verify.html")),
                web.get("/.well-known/jwks.json", self._keys_of_server),
                web.get("/api/v1/streaming/sessions/{id}/receipt", self._receipt),
                web.get("/favicon.svg", self._page("favicon.svg")),
                web.get("/assets/{path}", self._asset),
                web.get("/api/v1/system", self._system),
                web.post("/api/v1/guests", self._guest),
                web.post("/api/v1/sandbox/fund", self._fund),
                web.get("/api/v1/payments/balance", self._balance),
                web.get("/api/v1/content", self._list),
                web.get("/api/v1/content/{id}", self._content),
                web.patch("/api/v1/content/{id}", self._reprice),
                web.post("/api/v1/streaming/start", self._start),
                web.get("/api/v1/streaming/sessions", self._open_sessions),
                web.get("/api/v1/streaming/sessions/{id}", self._session),
                web.get("/api/v1/streaming/sessions/{id}/events", self._session_events),
                web.post("/api/v1/streaming/stop", self._stop),
                web.post("/api/v1/streaming/consent", self._agree),
                web.get("/api/v1/sources", self._sources),
                web.post("/api/v1/sources", self._create),
                web.get("/api/v1/sources/events", self._source_events),
                web.patch("/api/v1/sources/{id}", self._change),
                web.get("/api/v1/sources/{id}/splits", self._splits),
                web.put("/api/v1/sources/{id}/splits", self._splits),
                web.post("/api/v1/sources/{id}/regenerate-key", self._regenerate),
                web.get("/api/v1/sources/{id}/keys", self._keys),
                web.post("/api/v1/sources/{id}/keys", self._add_key),
                web.delete("/api/v1/sources/{id}/keys/{key}", self._revoke),
                web.get("/api/v1/sources/{id}/obs-multitrack.json", self._multitrack),
                web.get("/api/v1/earnings", self._earnings),
                web.get("/api/v1/earnings/events", self._earnings_events),
                web.get("/hls/{session}/master.m3u8", self._multivariant),
                web.get("/hls/{session}/{rendition}/{name}", self._media),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self._stopping.set()
        assert self._runner is not None
        await self._runner.cleanup()
        await self.doors.stop()

    def _page(self, name: str) -> Callable[[web.Request], Any]:
        async def page(_request: web.Request) -> web.Response:
            return self._file(name)

        return page

    async def _asset(self, request: web.Request) -> web.Response:
        return self._file(f"assets/{request.match_info['path']}")

    def _file(self, name: str) -> web.Response:
        return web.Response(
            body=(self._dist / name).read_bytes(),
            content_type=mimetypes.guess_type(name)[0],
            headers={"Content-Security-Policy": _POLICY},
        )

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        status = self.refuse(request)
        if status is not None:
            return problem(status, "refused by the test")
        try:
            await self.doors.require(request)
        except Problem as refused:
            return refused.response("req_1")
        response: web.StreamResponse = await handler(request)
        return response

    # --- money ---

    async def _system(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "version": "0.1.0",
                "playMoney": self.play_money,
                "rtmpUrl": "rtmp://127.0.0.1:1935/live",
                "network": "local",
            }
        )

    async def _guest(self, _request: web.Request) -> web.Response:
        guest = {"accountId": "acc_1", "token": "guest", "balance": amount(0), "asset": "XLM"}
        return web.json_response(guest, status=201)

    async def _fund(self, _request: web.Request) -> web.Response:
        self.balance = max(self.balance, self.fund_to)
        return web.json_response({"balance": amount(self.balance), "asset": "XLM"})

    async def _balance(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "balance": amount(self.balance),
                "held": amount(0),
                "asset": "XLM",
                "playMoney": self.play_money,
                "accounts": self.account.balances,
            }
        )

    def _affordable(self, stroops: int) -> int | None:
        return None if stroops == 0 else self.balance * PRICE_SECONDS // stroops

    # --- watching ---

    async def _list(self, request: web.Request) -> web.Response:
        own = request.query.get("owner") == "me"
        if own and not creator(request):
            return problem(401, "sign in first")
        listed = [
            found
            for found in self.contents.values()
            if own or found["playable"] or found["state"] == "waiting"
        ]
        return web.json_response({"items": listed})

    async def _content(self, request: web.Request) -> web.Response:
        found = self.contents.get(request.match_info["id"])
        return problem(404, "no such content") if found is None else web.json_response(found)

    async def _start(self, request: web.Request) -> web.Response:
        wish = await request.json()
        found = self.contents[wish["contentId"]]
        self.account.start_keys.append(request.headers["Idempotency-Key"])
        there = [each for each in self.sessions.values() if not each.closed.is_set()]
        if len(there) >= self.account.sessions_max:
            if wish.get("replace") != "oldest":
                return problem(409, "watching elsewhere", "too_many_sessions")
            there[0].closed.set()
        owner = request.headers["Authorization"] == f"Bearer {CREATOR_TOKEN}"
        pays_nothing = owner or found["id"] in self.passes.held
        stroops = 0 if pays_nothing else int(found["price"]["stroops"])
        if self.balance < stroops // PRICE_SECONDS:
            return problem(402, "the balance is short")
        identity = f"ses_{len(self.sessions) + 1:026d}"
        self.sessions[identity] = Session(found, stroops)
        if found["state"] == "live" and self._live_since is None:
            self._live_since = asyncio.get_running_loop().time()
        document = {
            "sessionId": identity,
            "contentId": found["id"],
            "playbackUrl": f"/hls/{identity}/master.m3u8",
            "token": "token",
            "expiresAt": "2030-01-01T00:00:00.000Z",
            "price": price(stroops),
            "balance": amount(self.balance),
            "secondsAffordable": self._affordable(stroops),
        }
        return web.json_response(document, status=201)

    async def _session(self, request: web.Request) -> web.Response:
        identity = request.match_info["id"]
        self.account.asked.append(identity)
        return web.json_response(self._status(identity))

    async def _open_sessions(self, _request: web.Request) -> web.Response:
        there = [each for each, session in self.sessions.items() if not session.closed.is_set()]
        return web.json_response({"items": [self._status(each) for each in there]})

    async def _session_events(self, request: web.Request) -> web.StreamResponse:
        identity = request.match_info["id"]
        return await self._push(request, "session", lambda: self._status(identity))

    def _status(self, identity: str) -> dict[str, Any]:
        session = self.sessions[identity]
        return {
            "sessionId": identity,
            "contentId": session.content["id"],
            "openedAt": "2026-11-21T10:00:00.000Z",
            "state": "closed" if session.closed.is_set() else "open",
            "secondsBilled": len(session.delivered),
            "amount": amount(session.amount),
            "held": amount(0),
            "asset": "XLM",
            "balance": amount(self.balance),
            "secondsAffordable": self._affordable(session.price_stroops),
            "secondsWaived": self.seconds_waived,
            "priceChange": self.price_change,
        }

    async def _agree(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.agreed.append(body["epoch"])
        self.price_change = None
        return web.json_response(self._status(body["sessionId"]))

    async def _stop(self, request: web.Request) -> web.Response:
        identity = (await request.json())["sessionId"]
        session = self.sessions[identity]
        session.closed.set()
        return web.json_response(
            {
                "sessionId": identity,
                "secondsBilled": len(session.delivered),
                "amount": amount(session.amount),
                "asset": "XLM",
                "ticks": len(session.delivered),
            }
        )

    async def _splits(self, request: web.Request) -> web.Response:
        if request.method == "PUT":
            self.splits = (await request.json())["splits"]
        return web.json_response(
            {"splits": self.splits, "owner": "acc_ada", "platformFeeBasisPoints": 250}
        )

    async def _keys_of_server(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": self.receipt_keys})

    async def _receipt(self, request: web.Request) -> web.Response:
        file = self.receipts.get(request.match_info["id"])
        if file is None:
            return problem(404, "no such session")
        return web.Response(body=file, content_type="application/json")

    async def _multivariant(self, _request: web.Request) -> web.Response:
        return playlist(self._recording.multivariant)

    async def _media(self, request: web.Request) -> web.Response:
        session = self.sessions[request.match_info["session"]]
        rendition, name = request.match_info["rendition"], request.match_info["name"]
        if session.closed.is_set():
            return problem(403, "this session is over")
        if name == "index.m3u8":
            available = self._available(session.content)
            state = self.contents[session.content["id"]]["state"]
            ended = state == "on_demand" or (state == "live" and self.live_ended)
            growing = state == "processing"
            text = self._recording.playlist(rendition, available, ended=ended, growing=growing)
            return playlist(text)
        if name.endswith(".m4s") and not self._charge(session, int(name.removesuffix(".m4s"))):
            return problem(402, "the balance is short")
        body = self._recording.file(f"{rendition}/{name}")
        return web.Response(body=body, content_type="video/mp4")

    def hold_live(self) -> int:
        """The publisher goes away; how many segments there are until `live_held` is None again."""
        self.live_held = self.live_listed
        return self.live_held

    def _available(self, found: dict[str, Any]) -> int:
        """A live grows by a segment each second until it has ended; an upload as the test says."""
        if self.contents[found["id"]]["state"] == "processing":
            return self.seconds_made
        if found["state"] != "live" or self._live_since is None:
            return SECONDS
        if self.live_held is not None:
            self.live_listed = self.live_held
        elif not self.live_ended:
            elapsed = asyncio.get_running_loop().time() - self._live_since
            self.live_listed = min(SECONDS, FIRST_SEGMENTS + int(elapsed))
        return self.live_listed

    def _charge(self, session: Session, second: int) -> bool:
        before = session.amount
        added = second not in session.delivered
        session.delivered.add(second)
        cost = session.amount - before
        if cost > self.balance:
            if added:
                session.delivered.remove(second)
            return False
        self.balance -= cost
        return True

    # --- the studio ---

    async def _sources(self, request: web.Request) -> web.Response:
        if not creator(request):
            return problem(401, "sign in first")
        return web.json_response({"items": self.sources})

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        if any(one["name"] == body["name"] for one in self.sources):
            return problem(409, "Another source has this name")
        self.created.append(body)
        made = source(f"src_{len(self.sources) + 1}", body["name"])
        self.sources.append(made)
        for _ in range(2 if self.tells_first else 0):  # the second is made after the first was sent
            self._told.clear()
            await self._told.wait()
        return web.json_response({"source": made, "streamKey": "key-of-creation"}, status=201)

    async def _change(self, request: web.Request) -> web.Response:
        (changed,) = (one for one in self.sources if one["id"] == request.match_info["id"])
        asked = await request.json()
        return self._priced(changed, asked.pop("price", None)) or self._set(changed, asked)

    async def _reprice(self, request: web.Request) -> web.Response:
        changed = self.contents[request.match_info["id"]]
        asked = await request.json()
        return self._priced(changed, asked.pop("price")) or self._set(changed, asked)

    def _set(self, changed: dict[str, Any], asked: dict[str, Any]) -> web.Response:
        if "passes" in asked:
            asked["passes"] = offered_for(asked["passes"])
        changed.update(asked)
        return web.json_response(changed)

    def _priced(self, changed: dict[str, Any], asked: dict[str, Any] | None) -> web.Response | None:
        """Why it cannot have this price; None when it has."""
        if asked is None:
            return None
        try:
            changed["price"] = price_of(asked, changed.get("delivery", "direct"))
        except Unbillable as error:
            return problem(400, str(error))
        self.priced.append((changed["id"], asked))
        return None

    async def _regenerate(self, request: web.Request) -> web.Response:
        self.grace_seconds.append((await request.json())["graceSeconds"])
        return web.json_response({"streamKey": "key-made-anew"})

    async def _keys(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": self.keys})

    async def _add_key(self, request: web.Request) -> web.Response:
        body = await request.json()
        expires = "2030-01-31T00:00:00.000Z" if "expiresInSeconds" in body else None
        made = stream_key(f"key_{len(self.keys) + 1}", body["label"], expires)
        self.keys.append(made)
        return web.json_response({"key": made, "streamKey": "key-of-a-guest"}, status=201)

    async def _revoke(self, request: web.Request) -> web.Response:
        self.keys = [one for one in self.keys if one["id"] != request.match_info["key"]]
        return web.Response(status=204)

    async def _multitrack(self, request: web.Request) -> web.Response:
        if not creator(request):
            return problem(401, "sign in first")
        return web.json_response({"encoder_configurations": []})

    async def _source_events(self, request: web.Request) -> web.StreamResponse:
        def tell() -> dict[str, Any]:
            self._told.set()
            return {"items": self.sources}

        return await self._events(request, "sources", tell)

    def _earnings_document(self) -> dict[str, Any]:
        return {
            "asset": "XLM",
            "pending": amount(self.earned // 4),
            "inFlight": amount(0),
            "settled": amount(self.earned - self.earned // 4),
            "total": amount(self.earned),
            "passesSold": 2,
            "ofPasses": amount(1_800_000),
            "viewers": 3,
            "address": "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
            "onChain": amount(10_000 * STROOPS),
            "obstacle": self.obstacle,
            "payouts": self.payouts,
        }

    async def _earnings(self, request: web.Request) -> web.Response:
        if not creator(request):
            return problem(401, "sign in first")
        return web.json_response(self._earnings_document())

    async def _earnings_events(self, request: web.Request) -> web.StreamResponse:
        def earn() -> dict[str, Any]:
            self.earned += 3 * PRICE_STROOPS // PRICE_SECONDS
            return self._earnings_document()

        return await self._events(request, "earnings", earn)

    async def _events(
        self, request: web.Request, name: str, document: Callable[[], dict[str, Any]]
    ) -> web.StreamResponse:
        if not creator(request):
            return problem(401, "sign in first")
        return await self._push(request, name, document)

    async def _push(
        self, request: web.Request, name: str, document: Callable[[], dict[str, Any]]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self._follow(1)
        while not self._stopping.is_set():
            data = json.dumps(document())
            try:
                await response.write(f"event: {name}\ndata: {data}\n\n".encode())
                async with asyncio.timeout(PUSH_SECONDS):
                    await self._stopping.wait()
            except TimeoutError:
                continue
            except ConnectionError:
                break  # The page was closed.
        self._follow(-1)
        return response

    def _follow(self, change: int) -> None:
        """Count the event streams that are open."""
        self._followed += change
        (self.unfollowed.clear if self._followed else self.unfollowed.set)()


def creator(request: web.Request) -> bool:
    return request.headers.get("Authorization") == f"Bearer {CREATOR_TOKEN}"


def playlist(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/vnd.apple.mpegurl")


def problem(status: int, detail: str, code: str = "test") -> web.Response:
    document = {"title": detail, "status": status, "detail": detail, "code": code}
    return web.json_response(document, status=status, content_type="application/problem+json")
