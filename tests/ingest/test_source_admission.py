"""Who is let in, with what, and what the others are told."""

import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.clock import ManualClock
from config.limits import STREAM_KEY_USED_MS
from config.postgres import UNAVAILABLE
from ingest.admission import Admitted, PublishRefused, PublishRequest
from ingest.issuer_keys import FetchedKeys, FetchFailed
from ingest.key_set import thumbprint, write_key_set
from ingest.publish_token import AUDIENCE, TokenSigner
from ingest.source import Source
from ingest.source_admission import SourceAdmission
from ingest.source_store import MemorySourceStore
from ingest.stream_key import StreamKey, hash_key, new_key
from media.terms import Takeover, Terms

KEY = new_key(entropy=1 << 159)  # fixed, so that every worker of the suite names the tests alike
GUEST = new_key(entropy=1 << 158)
CREATED_AT = datetime(2026, 1, 1, tzinfo=UTC)
CREATED_MS = int(CREATED_AT.timestamp() * 1000)
EXPIRES_AT = CREATED_AT + timedelta(hours=1)
ISSUER = "https://accounts.example.org"

SOURCE = Source(
    id="src_1",
    owner="acc_1",
    name="camera",
    title="Camera",
    price_stroops=1,
    price_seconds=1,
    price_asset="XLM",
    created_at=CREATED_AT,
    reconnect_seconds=5,
    takeover=Takeover.STANDBY,
)
MAIN_KEY = StreamKey("key_1", "src_1", "main", hash_key(KEY), CREATED_AT, is_main=True)
GUEST_KEY = StreamKey(
    "key_2",
    "src_1",
    "guest",
    hash_key(GUEST),
    CREATED_AT,
    expires_at=EXPIRES_AT,
    ends_publication=True,
    bitrate_max=6_000_000,
    addresses=("192.0.2.0/24",),
)
TERMS = Terms(5_000, Takeover.STANDBY)


class Door:
    """An admission with one source, two keys, our own tokens and those of another issuer."""

    def __init__(self, store: MemorySourceStore) -> None:
        self.store = store
        self.clock = ManualClock(CREATED_MS)
        self.signer = TokenSigner(secrets.token_bytes(32))
        self.issuer = Ed25519PrivateKey.generate()
        self.key_set: bytes | None = json.dumps(write_key_set([self.issuer.public_key()])).encode()
        keys = FetchedKeys(ISSUER, self._fetch, self.clock)
        self.admission = SourceAdmission(store, (self.signer, keys), self.clock)

    async def _fetch(self) -> bytes:
        if self.key_set is None:
            raise FetchFailed("connection refused")
        return self.key_set

    async def ask(
        self, stream_name: str, address: str = "192.0.2.7", app: str = "live"
    ) -> Admitted:
        return await self.admission.admit(PublishRequest(app, stream_name, address))

    async def refusal(
        self, stream_name: str, address: str = "192.0.2.7", app: str = "live"
    ) -> PublishRefused:
        with pytest.raises(PublishRefused) as refused:
            await self.ask(stream_name, address, app)
        return refused.value

    def token(self, seconds: int = 900) -> str:
        return self.signer.sign("src_1", self.clock.wall_ms() // 1000, seconds)


@pytest.fixture
async def door() -> Door:
    store = MemorySourceStore()
    await store.create(SOURCE, MAIN_KEY)
    await store.add_key(GUEST_KEY)
    return Door(store)


@pytest.mark.parametrize(
    "stream_name",
    [KEY, f"{KEY}?token=abc", f"camera?key={KEY}", f"src_1?user=camera&pass={KEY}"],
)
async def test_who_knows_a_key_publishes_to_its_source(door: Door, stream_name: str) -> None:
    assert await door.ask(stream_name) == Admitted("src_1", TERMS, key_id="key_1")


async def test_a_key_brings_its_limits(door: Door) -> None:
    assert await door.ask(GUEST) == Admitted(
        "src_1",
        TERMS,
        bitrate_max=6_000_000,
        ends_ms=CREATED_MS + 3_600_000,
        key_id="key_2",
    )


async def test_whoever_shows_nothing_good_is_told_the_same(door: Door) -> None:
    strangers_token = TokenSigner(bytes(32)).sign("src_1", CREATED_MS // 1000, 60)
    no_source = door.signer.sign("src_2", CREATED_MS // 1000, 60)
    wrong = ["", "camera", "nothing", KEY.upper(), KEY[:-1], f"?{KEY}", "\ud800"]
    wrong += [f"other?key={KEY}", f"camera?user=other&pass={KEY}", f"camera?key={KEY[:-1]}"]
    wrong += [strangers_token, no_source, f"other?token={door.token()}", door.token() + "x"]
    refusals = [await door.refusal(each) for each in wrong]
    refusals.append(await door.refusal(GUEST, "192.0.3.7"))
    door.clock.advance(3_600_000)
    refusals.append(await door.refusal(GUEST))
    await door.store.remove_key("src_1", "key_1")
    refusals.append(await door.refusal(KEY))

    assert {refused.description for refused in refusals} == {"unknown stream key"}
    assert all(refused.is_mistake for refused in refusals)


async def test_an_old_key_lets_in_until_its_grace_is_over(door: Door) -> None:
    new = new_key(entropy=1)
    successor = replace(MAIN_KEY, id="key_3", hash=hash_key(new))
    await door.store.replace_key(successor, ends_at=CREATED_AT + timedelta(seconds=60))

    door.clock.advance(59_999)
    assert (await door.ask(KEY)).ends_ms is None, "what was let in stays"
    assert (await door.ask(new)).key_id == "key_3"
    door.clock.advance(1)
    assert (await door.refusal(KEY)).description == "unknown stream key"
    assert (await door.ask(new)).key_id == "key_3"


@pytest.mark.parametrize("form", ["{}", "camera?token={}", "src_1?jwt={}", "?token={}"])
async def test_who_has_a_token_publishes_to_its_source(door: Door, form: str) -> None:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "src_1", "iat": CREATED_MS // 1000}
    claims |= {"exp": CREATED_MS // 1000 + 900}
    headers = {"kid": thumbprint(door.issuer.public_key())}
    theirs = jwt.encode(claims, door.issuer, algorithm="EdDSA", headers=headers)

    assert await door.ask(form.format(door.token())) == Admitted("src_1", TERMS)
    assert await door.ask(form.format(theirs)) == Admitted("src_1", TERMS)


@pytest.mark.parametrize("app", ["", "other", "live/camera"])
async def test_another_app_is_refused(door: Door, app: str) -> None:
    assert (await door.refusal(KEY, app=app)).description == "the server's address ends in /live"


async def test_a_keys_use_is_noted_once_a_minute(door: Door) -> None:
    async def used() -> datetime | None:
        return (await door.store.keys_of("src_1"))[0].last_used_at

    assert await used() is None
    await door.ask(KEY)
    assert await used() == CREATED_AT
    door.clock.advance(STREAM_KEY_USED_MS - 1)
    await door.ask(KEY)
    assert await used() == CREATED_AT
    door.clock.advance(1)
    await door.ask(KEY)
    assert await used() == CREATED_AT + timedelta(milliseconds=STREAM_KEY_USED_MS)


class UnreachableStore(MemorySourceStore):
    async def by_key_hash(self, key_hash: bytes) -> tuple[Source, StreamKey] | None:
        raise UNAVAILABLE[0]("no database")


async def test_nobody_is_let_in_who_cannot_be_checked() -> None:
    door = Door(UnreachableStore())
    door.key_set = None
    headers = {"kid": "somebody's"}
    theirs = jwt.encode({"sub": "src_1"}, door.issuer, algorithm="EdDSA", headers=headers)

    for shown in (KEY, theirs):
        refused = await door.refusal(shown)
        assert not refused.is_mistake
        assert refused.description == "stream keys cannot be checked now, try again"
