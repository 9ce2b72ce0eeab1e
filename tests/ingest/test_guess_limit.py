"""How many keys are looked at, whoever sends them."""

import asyncio
from collections.abc import Collection

import pytest

from config.clock import ManualClock
from config.limits import (
    RTMP_GOOD_NETWORKS_MAX,
    RTMP_GOOD_NETWORKS_MS,
    RTMP_KNOWN_KEYS_MS,
    RTMP_WRONG_KEYS_IN_ALL_MAX,
    RTMP_WRONG_KEYS_MAX,
    RTMP_WRONG_KEYS_MS,
)
from config.postgres import UNAVAILABLE
from ingest.admission import Admitted, PublishRefused, PublishRequest
from ingest.guess_limit import GuessLimit
from ingest.stream_key import hash_key

WRONG = "wrong"
TOKEN = "eyJh.eyJz.c2ln"
UNKNOWN = "unknown stream key"
LATER = "too many wrong stream keys, try again in a minute"


class Keys:
    """An admission with two keys that counts what it looks at, and gives way while it does."""

    def __init__(self) -> None:
        self.looked_at: list[str] = []
        self.hashes: list[bytes] = [hash_key("right"), hash_key("other")]
        self.reads = 0
        self.works = True

    async def admit(self, request: PublishRequest) -> Admitted:
        self.looked_at.append(request.stream_name)
        await asyncio.sleep(0)
        if request.stream_name in ("right", "other", TOKEN):
            return Admitted("src_1")
        raise PublishRefused(UNKNOWN)

    async def read(self) -> Collection[bytes]:
        self.reads += 1
        if not self.works:
            raise UNAVAILABLE[0]("no database")
        return self.hashes


class Guarded:
    def __init__(self) -> None:
        self.keys = Keys()
        self.clock = ManualClock()
        self.limit = GuessLimit(self.keys, self.keys.read, self.clock)

    async def ask(self, key: str, address: str) -> str:
        """What somebody is told who sends this."""
        try:
            await self.limit.admit(PublishRequest("live", key, address))
        except PublishRefused as refused:
            return refused.description
        return "welcome"

    async def flood(self) -> None:
        """As many wrong keys as are looked at in all, each from somewhere else."""
        for number in range(RTMP_WRONG_KEYS_IN_ALL_MAX):
            await self.ask(WRONG, f"198.51.{number // 256}.{number % 256}")


@pytest.fixture
def guarded() -> Guarded:
    return Guarded()


async def test_of_a_thousand_keys_at_once_from_one_place_20_are_looked_at(guarded: Guarded) -> None:
    addresses = [f"2001:db8::{number:x}" for number in range(1_000)]

    answers = await asyncio.gather(*(guarded.ask(WRONG, address) for address in addresses))

    assert len(guarded.keys.looked_at) == RTMP_WRONG_KEYS_MAX
    assert answers.count(LATER) == 1_000 - RTMP_WRONG_KEYS_MAX
    assert await guarded.ask("right", "2001:db8::1") == LATER
    assert await guarded.ask("right", "2001:db8:0:1::1") == "welcome"
    guarded.clock.advance(RTMP_WRONG_KEYS_MS)
    assert await guarded.ask("right", "2001:db8::1") == "welcome"


async def test_a_flood_from_everywhere_keeps_nobody_out_who_has_a_key(guarded: Guarded) -> None:
    assert await guarded.ask("other", "203.0.113.1") == "welcome"
    await guarded.flood()
    looked_at = len(guarded.keys.looked_at)

    assert await guarded.ask(WRONG, "192.0.2.1") == LATER
    assert await guarded.ask(WRONG, "192.0.2.2") == LATER
    assert len(guarded.keys.looked_at) == looked_at
    assert await guarded.ask("right", "192.0.2.1") == "welcome"
    assert await guarded.ask(TOKEN, "192.0.2.3") == "welcome"
    assert await guarded.ask(WRONG, "203.0.113.1") == UNKNOWN, "somebody was let in from there"
    assert guarded.keys.reads == 1


async def test_a_key_that_was_made_during_a_flood_counts_soon(guarded: Guarded) -> None:
    guarded.keys.hashes = []
    await guarded.flood()
    assert await guarded.ask("right", "192.0.2.1") == LATER
    guarded.keys.hashes = [hash_key("right")]

    guarded.clock.advance(RTMP_KNOWN_KEYS_MS)
    await guarded.flood()

    assert await guarded.ask("right", "192.0.2.1") == "welcome"


async def test_a_flood_while_the_database_is_away_lets_in_whom_it_knew(guarded: Guarded) -> None:
    await guarded.flood()
    assert await guarded.ask("right", "192.0.2.1") == "welcome"
    guarded.keys.works = False

    guarded.clock.advance(RTMP_KNOWN_KEYS_MS)
    await guarded.flood()

    assert await guarded.ask("other", "192.0.2.9") == "welcome"
    assert guarded.keys.reads == 2


async def test_a_good_network_is_one_for_a_day_and_the_latest_ones_are_remembered(
    guarded: Guarded,
) -> None:
    assert await guarded.ask("right", "203.0.113.1") == "welcome"
    assert await guarded.ask("right", "203.0.113.2") == "welcome"
    guarded.clock.advance(RTMP_GOOD_NETWORKS_MS - 1)
    for number in range(RTMP_GOOD_NETWORKS_MAX - 1):
        await guarded.ask("right", f"10.0.{number // 256}.{number % 256}")
    await guarded.flood()

    assert await guarded.ask(WRONG, "203.0.113.1") == LATER, "others came after it"
    assert await guarded.ask(WRONG, "203.0.113.2") == UNKNOWN
    guarded.clock.advance(1)
    await guarded.flood()
    assert await guarded.ask(WRONG, "203.0.113.2") == LATER


async def test_a_server_that_cannot_answer_is_no_mistake_of_the_publisher(guarded: Guarded) -> None:
    async def unable(request: PublishRequest) -> Admitted:
        raise PublishRefused("not now", is_mistake=False)

    guarded.keys.admit = unable  # type: ignore[method-assign]
    for _ in range(2 * RTMP_WRONG_KEYS_MAX):
        assert await guarded.ask("right", "192.0.2.1") == "not now"
