"""A creator's sources over HTTP: set up, followed, and opened with keys and tokens."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import ClientResponse, ClientSession, web

from api.app import answer_errors
from api.auth.bearer import Bearers
from api.catalogue.asset import Asset, AssetState
from api.event_stream import EventStreams
from api.http_server import HttpServer
from api.publish_tokens import PublishTokens, open_token_signer
from api.remote import CommandFailed, regenerate_key
from api.secret_names import CREATOR_TOKEN
from api.source_document import SourceDocuments
from api.sources import Sources
from api.stream_keys import StreamKeys
from config.clock import ManualClock
from config.limits import SOURCE_KEYS_MAX
from config.secret_files import SecretFiles
from config.settings import load
from ingest.admission import Admitted, PublishRefused, PublishRequest
from ingest.preflight import Preflight
from ingest.publisher_status import PublisherStatus, Role
from ingest.source_admission import SourceAdmission
from ingest.source_store import MemorySourceStore
from media.terms import Takeover, Terms
from media.transcode.health import LiveHealth
from metering.offer import Offer
from metering.tariff import Price, Tariff
from tests.api.test_price_input import ISSUER
from tests.api.upload_server import GUEST_TOKEN, OTHER_TOKEN, TOKEN, Accounts

NOW_MS = 1_790_000_000_000
RTMP_URL, RTMPS_URL = "rtmp://127.0.0.1:1935/live", "rtmps://127.0.0.1:1936/live"
ADDRESS = "192.0.2.7"


@dataclass
class OnAir:
    """A broadcast of a test."""

    asset: Asset
    left_ms: int | None = None

    def health(self) -> LiveHealth:
        return LiveHealth(0, 0, 0, "veryfast", (), ())

    def reconnect_ms_left(self) -> int | None:
        return self.left_ms


@dataclass
class Rig:
    """The real routes on a real port, and the admission that reads the same store."""

    http: ClientSession
    url: str
    store: MemorySourceStore
    clock: ManualClock
    admission: SourceAdmission
    on_air: dict[str, OnAir]
    publishers: dict[str, tuple[PublisherStatus, ...]]
    dismissed: list[tuple[str, str, str]]
    seen: list[Any] = field(default_factory=list)

    async def call(
        self, method: str, path: str, body: object = None, status: int = 200, token: str = TOKEN
    ) -> Any:
        """The answer's document; its status has to be as said."""
        headers = {"Authorization": f"Bearer {token}"}
        async with self.http.request(
            method, f"/api/v1/sources{path}", json=body, headers=headers
        ) as answer:
            text = await answer.text()
            assert answer.status == status, text
            return json.loads(text) if text else None

    async def make(self, name: str = "camera", **settings: object) -> tuple[str, str]:
        """A source's id and stream key."""
        made = await self.call("POST", "", {"name": name, **settings}, 201)
        return made["source"]["id"], made["streamKey"]

    async def publish(self, stream_name: str, address: str = ADDRESS) -> Admitted | None:
        """What somebody may do who publishes this; None when it is refused."""
        try:
            return await self.admission.admit(PublishRequest("live", stream_name, address))
        except PublishRefused:
            return None


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr("api.event_stream._PUSH_SECONDS", 0.01)
    clock, stopping, store = ManualClock(NOW_MS), asyncio.Event(), MemorySourceStore()
    on_air: dict[str, OnAir] = {}
    publishers: dict[str, tuple[PublisherStatus, ...]] = {}
    sources = Sources(
        store,
        SourceDocuments(on_air.get, lambda id_: publishers.get(id_, ()), RTMP_URL, RTMPS_URL),
        Bearers(Accounts(), clock),
        clock,
        Price("XLM", 5_000_000, 3_600),
        EventStreams("sources", 10, stopping),
    )
    signer = open_token_signer(SecretFiles(tmp_path / "secrets"))
    dismissed: list[tuple[str, str, str]] = []
    keys = StreamKeys(store, sources.own, clock, lambda *told: dismissed.append(told))
    tokens = PublishTokens(signer, sources.own, clock, RTMP_URL, RTMPS_URL)
    application = web.Application(middlewares=[answer_errors])
    add = application.router.add_route
    for method, path, handler in (
        ("GET", "", sources.list),
        ("POST", "", sources.create),
        ("GET", "/events", sources.events),
        ("GET", "/{source}", sources.get),
        ("PATCH", "/{source}", sources.change),
        ("POST", "/{source}/regenerate-key", keys.regenerate),
        ("GET", "/{source}/keys", keys.list),
        ("POST", "/{source}/keys", keys.create),
        ("DELETE", "/{source}/keys/{key}", keys.revoke),
        ("POST", "/{source}/publish-token", tokens.create),
    ):
        add(method, f"/api/v1/sources{path}", handler)
    add("GET", "/.well-known/jwks.json", tokens.key_set)
    server = HttpServer(application, "127.0.0.1", 0)
    await server.start()
    url = f"http://127.0.0.1:{server.port}"
    admission = SourceAdmission(store, [signer], clock)
    async with ClientSession(url) as http:
        yield Rig(http, url, store, clock, admission, on_air, publishers, dismissed)
        stopping.set()
        await server.stop()


async def test_a_source_is_set_up_when_it_is_made_and_later(rig: Rig) -> None:
    first, _ = await rig.make()
    rig.clock.advance(1)
    second, key = await rig.make(
        "stage",
        title="Stage",
        price={"stroops": 7, "seconds": 60},
        reconnectSeconds=0,
        takeover="reject",
        dvrSeconds=None,
        delivery="keys",
    )

    assert await rig.call("GET", f"/{first}") == {
        "id": first,
        "name": "camera",
        "title": "camera",
        "state": "idle",
        "reconnectMsLeft": None,
        "assetId": None,
        "watchUrl": "/watch/camera",
        "rtmpUrl": RTMP_URL,
        "rtmpsUrl": RTMPS_URL,
        "price": {
            "stroops": "12500",
            "seconds": 9,
            "asset": "XLM",
            "perSecond": "0.0001388",
            "perHour": "0.5000000",
            "epoch": Tariff(Price("XLM", 5_000_000, 3_600)).id,
            "perView": "0.0000000",
            "freeSeconds": 0,
            "sessionCap": None,
            "dayCap": None,
            "rungs": [],
        },
        "passes": [],
        "reconnectSeconds": 60,
        "takeover": "replace",
        "dvrSeconds": 0,
        "delivery": "direct",
        "publishers": [],
        "health": None,
    }
    admitted = await rig.publish(key)
    assert admitted is not None
    assert admitted.terms == Terms(0, Takeover.REJECT)

    changes = {"title": "Arena", "reconnectSeconds": 1_800, "takeover": "standby"}
    changed = await rig.call("PATCH", f"/{second}", changes)
    assert (changed["dvrSeconds"], changed["delivery"]) == (None, "keys")
    assert {name: changed[name] for name in changes} == changes
    assert changed["price"]["stroops"] == "7", "what is left out stays"
    repriced = await rig.call("PATCH", f"/{second}", {"price": {"stroops": 8, "seconds": 1}})
    assert repriced == {**changed, "price": repriced["price"]}
    assert repriced["price"]["stroops"] == "8"
    assert await rig.call("GET", "") == {"items": [await rig.call("GET", f"/{first}"), repriced]}
    await _offers_passes(rig, second)
    for back in (7_200, None):
        settings = {"dvrSeconds": back, "delivery": "keys-cbcs"}
        changed = await rig.call("PATCH", f"/{second}", settings)
        assert {name: changed[name] for name in settings} == settings
    admitted = await rig.publish(key)
    assert admitted is not None
    assert admitted.terms == Terms(1_800_000, Takeover.STANDBY)


async def _offers_passes(rig: Rig, source: str) -> None:
    """They stay when the price changes, and are asked for anew where they cannot."""
    week, day = {"hours": 168, "stroops": 30}, {"hours": 24, "stroops": 9}
    offered = (await rig.call("PATCH", f"/{source}", {"passes": [week, day]}))["passes"]
    assert [(each["hours"], each["stroops"], each["asset"]) for each in offered] == [
        (24, "9", "XLM"),
        (168, "30", "XLM"),
    ]
    for seconds in (2, 1):
        price = {"stroops": 8, "seconds": seconds}
        assert (await rig.call("PATCH", f"/{source}", {"price": price}))["passes"] == offered
    other = {"price": {"stroops": 8, "seconds": 1, "asset": f"USDC:{ISSUER}"}}
    refused = await rig.call("PATCH", f"/{source}", other, 400)
    assert "passes: they were for XLM" in refused["detail"]
    priced = await rig.call("PATCH", f"/{source}", {**other, "passes": [day]})
    assert [each["asset"] for each in priced["passes"]] == [f"USDC:{ISSUER}"]
    xlm = {"price": {"stroops": 8, "seconds": 1, "asset": "XLM"}, "passes": []}
    assert (await rig.call("PATCH", f"/{source}", xlm))["passes"] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"reconnectSeconds": 1_801}),
        ("PATCH", "", {"reconnectSeconds": -1}),
        ("PATCH", "", {"takeover": "both"}),
        ("PATCH", "", {"dvrSeconds": 86_401}),
        ("PATCH", "", {"delivery": "key"}),
        ("PATCH", "", {"title": ""}),
        ("PATCH", "", {"name": "other"}),
        ("POST", "/regenerate-key", {"graceSeconds": -1}),
        ("POST", "/regenerate-key", {"graceSeconds": 10**9}),
        ("POST", "/keys", {}),
        ("POST", "/keys", {"label": ""}),
        ("POST", "/keys", {"label": "x", "expiresInSeconds": 0}),
        ("POST", "/keys", {"label": "x", "bitrateMax": 1}),
        ("POST", "/keys", {"label": "x", "addresses": ["example.org"]}),
        ("POST", "/keys", {"label": "x", "addresses": ["192.0.2.1"] * 17}),
        ("POST", "/publish-token", {"seconds": 901}),
        ("POST", "/publish-token", {"seconds": 0}),
    ],
)
async def test_what_makes_no_sense_is_refused(rig: Rig, method: str, path: str, body: Any) -> None:
    source, _ = await rig.make()

    problem = await rig.call(method, f"/{source}{path}", body, 400)

    assert problem["code"] == "invalid_request"
    assert (await rig.call("GET", f"/{source}"))["reconnectSeconds"] == 60
    assert len(await rig.store.keys_of(source)) == 1


async def test_nobody_else_reaches_a_source(rig: Rig) -> None:
    source, _ = await rig.make()
    key = (await rig.store.keys_of(source))[0].id
    routes = [
        ("GET", "", None),
        ("PATCH", "", {"title": "mine"}),
        ("POST", "/regenerate-key", None),
        ("GET", "/keys", None),
        ("POST", "/keys", {"label": "mine"}),
        ("DELETE", f"/keys/{key}", None),
        ("POST", "/publish-token", None),
    ]
    for method, path, body in routes:
        await rig.call(method, f"/{source}{path}", body, 404, token=OTHER_TOKEN)
        await rig.call(method, f"/{source}{path}", body, 403, token=GUEST_TOKEN)
        await rig.call(method, f"/{source}{path}", body, 401, token="nobody's")
    assert await rig.call("GET", "", token=OTHER_TOKEN) == {"items": []}
    assert len(await rig.store.keys_of(source)) == 1


async def test_what_a_source_does_is_told_as_it_happens(rig: Rig) -> None:
    source, _ = await rig.make()
    asset = Asset(
        id="ast_1",
        source_id=source,
        owner="acc_1",
        title="t",
        state=AssetState.LIVE,
        offer=Offer.of(Price("XLM", 1, 1)),
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    report = Preflight(0).report(1)
    encoder = PublisherStatus(ADDRESS, "OBS", True, Role.ACTIVE, 5_000, report)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with rig.http.get("/api/v1/sources/events", headers=headers) as stream:
        assert (await _event(stream))["state"] == "idle"
        rig.on_air[source], rig.publishers[source] = OnAir(asset), (encoder,)
        live = await _event(stream)
        rig.on_air[source], rig.publishers[source] = OnAir(asset, left_ms=59_000), ()
        waiting = await _event(stream)

    assert (live["state"], live["assetId"], live["reconnectMsLeft"]) == ("live", "ast_1", None)
    assert live["publishers"][0]["role"] == "active"
    assert live["publishers"][0]["address"] == ADDRESS
    assert live["health"]["preset"] == "veryfast"
    assert (waiting["state"], waiting["reconnectMsLeft"]) == ("reconnecting", 59_000)
    assert waiting["publishers"] == []


async def _event(stream: ClientResponse) -> dict[str, Any]:
    """The only source of the next event."""
    async with asyncio.timeout(30):
        while not (line := await stream.content.readline()).startswith(b"data: "):
            pass
    (source,) = json.loads(line.removeprefix(b"data: "))["items"]
    assert isinstance(source, dict)
    return source


async def test_a_key_is_told_once_and_has_its_limits(rig: Rig) -> None:
    source, main = await rig.make()
    limits = {
        "label": "guest",
        "expiresInSeconds": 60,
        "endsPublication": True,
        "bitrateMax": 6_000_000,
        "addresses": ["192.0.2.9/24"],
    }
    made = await rig.call("POST", f"/{source}/keys", limits, 201)
    guest, key = made["streamKey"], made["key"]

    assert await rig.publish(guest) == Admitted(
        source, bitrate_max=6_000_000, ends_ms=NOW_MS + 60_000, key_id=key["id"]
    )
    assert await rig.publish(guest, "198.51.100.1") is None
    assert await rig.publish(main, "198.51.100.1") is not None
    listed = (await rig.call("GET", f"/{source}/keys"))["items"]
    moment = "2026-09-21T14:13:20.000Z"
    assert listed[1] == {
        "id": key["id"],
        "label": "guest",
        "main": False,
        "createdAt": moment,
        "expiresAt": "2026-09-21T14:14:20.000Z",
        "expired": False,
        "endsPublication": True,
        "bitrateMax": 6_000_000,
        "addresses": ["192.0.2.0/24"],
        "lastUsedAt": moment,
    }
    assert listed[0]["main"]
    assert guest not in str(listed)
    assert main not in str(listed)
    rig.clock.advance(60_000)
    assert await rig.publish(guest) is None
    assert (await rig.call("GET", f"/{source}/keys"))["items"][1]["expired"]


async def test_a_revoked_key_opens_nothing_and_the_others_still_do(rig: Rig) -> None:
    source, main = await rig.make()
    made = await rig.call("POST", f"/{source}/keys", {"label": "guest"}, 201)
    at = f"/{source}/keys/{made['key']['id']}"

    await rig.call("DELETE", at, None, 204)

    reason = "this stream key is no longer good"
    assert rig.dismissed == [(source, made["key"]["id"], reason)]
    assert await rig.publish(made["streamKey"]) is None
    assert await rig.publish(main) is not None
    await rig.call("DELETE", at, None, 404)


async def test_a_source_has_a_bounded_number_of_keys(rig: Rig) -> None:
    source, _ = await rig.make()
    for _ in range(SOURCE_KEYS_MAX - 1):
        await rig.call("POST", f"/{source}/keys", {"label": "guest"}, 201)

    problem = await rig.call("POST", f"/{source}/keys", {"label": "guest"}, 409)

    assert problem["code"] == "too_many_keys"
    await rig.call("POST", f"/{source}/regenerate-key", {"graceSeconds": 1}, 409)
    await rig.call("POST", f"/{source}/regenerate-key", {})


async def test_a_new_key_replaces_the_main_one_at_once_or_after_a_grace(rig: Rig) -> None:
    source, first = await rig.make()
    guest = (await rig.call("POST", f"/{source}/keys", {"label": "guest"}, 201))["streamKey"]

    second = (await rig.call("POST", f"/{source}/regenerate-key"))["streamKey"]
    assert await rig.publish(first) is None
    assert len(rig.dismissed) == 1
    third = (await rig.call("POST", f"/{source}/regenerate-key", {"graceSeconds": 60}))["streamKey"]

    for key in (second, third, guest):
        assert await rig.publish(key) is not None
    assert len(rig.dismissed) == 1
    rig.clock.advance(60_000)
    assert await rig.publish(second) is None
    for key in (third, guest):
        assert await rig.publish(key) is not None


async def test_the_command_line_gives_a_source_a_new_key(rig: Rig, tmp_path: Path) -> None:
    _, first = await rig.make("main")
    (tmp_path / "secrets" / CREATOR_TOKEN).write_text(TOKEN)
    port = rig.url.rpartition(":")[2]
    settings = load([f"--http.port={port}", f"--data_directory={tmp_path}"], {}, None)

    second = await regenerate_key(settings, "main", 60)
    assert await rig.publish(first) is not None
    third = await regenerate_key(settings, "main", 0)

    assert await rig.publish(second) is None
    assert await rig.publish(third) is not None
    with pytest.raises(CommandFailed, match="there are: main"):
        await regenerate_key(settings, "other", 0)
    with pytest.raises(CommandFailed, match="graceSeconds"):
        await regenerate_key(settings, "main", -1)


async def test_a_token_opens_its_source_for_a_while_and_anybody_can_check_it(rig: Rig) -> None:
    source, _ = await rig.make()

    made = await rig.call("POST", f"/{source}/publish-token", {"seconds": 60}, 201)

    token = made["token"]
    assert made == {
        "token": token,
        "expiresAt": "2026-09-21T14:14:20.000Z",
        "rtmpUrl": f"{RTMP_URL}/{token}",
        "rtmpsUrl": f"{RTMPS_URL}/{token}",
    }
    async with rig.http.get("/.well-known/jwks.json") as answer:
        published = jwt.PyJWKSet.from_dict(await answer.json())
        assert "max-age" in answer.headers["Cache-Control"]
    key = published[jwt.get_unverified_header(token)["kid"]]
    options: Any = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(
        token, key, algorithms=["EdDSA"], audience="tollcast:publish", options=options
    )
    assert claims["sub"] == source
    assert await rig.publish(token) == Admitted(source)
    assert await rig.publish(f"camera?token={token}", "2001:db8::1") == Admitted(source)
    rig.clock.advance(60_000 + 60_000)
    assert await rig.publish(token) is None


async def test_a_price_with_all_there_may_be_is_kept_and_keys_cannot_bill_its_rungs(
    rig: Rig,
) -> None:
    price = {
        "stroops": 30,
        "per": "minute",
        "freeSeconds": 60,
        "dayCap": 5_000,
        "rungs": [{"heightMin": 720, "stroops": 10, "per": "minute"}],
    }
    source, _ = await rig.make("stage", price=price)
    kept = (await rig.call("GET", f"/{source}"))["price"]
    assert (kept["freeSeconds"], kept["dayCap"], kept["seconds"]) == (60, "0.0005000", 2)
    assert [rung["heightMin"] for rung in kept["rungs"]] == [720]
    refused = await rig.call("PATCH", f"/{source}", {"delivery": "keys"}, status=400)
    assert "price.rungs" in refused["detail"]
    plain = await rig.call("PATCH", f"/{source}", {"price": {"stroops": 7, "seconds": 60}})
    assert (plain["price"]["freeSeconds"], plain["price"]["rungs"]) == (0, [])
    await rig.call("PATCH", f"/{source}", {"delivery": "keys"})
