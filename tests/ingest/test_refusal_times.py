"""What a stranger learns from how long a refusal takes: nothing."""

import asyncio
import random
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from config.limits import RTMP_REFUSAL_MS
from ingest.admission import PublishRefused, PublishRequest
from ingest.guess_limit import GuessLimit
from ingest.publish_token import TokenSigner
from ingest.rtmp_server import RtmpServer
from ingest.source import Source
from ingest.source_admission import SourceAdmission
from ingest.source_store import MemorySourceStore
from ingest.stream_key import StreamKey, hash_key, new_key
from media.hub import Hub
from tests.ingest.virtual_time import VirtualClock, run_at_once

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = Source("src_1", "acc_1", "camera", "Camera", 1, 1, "XLM", NOW)
KEY = new_key(entropy=1)
TRIES = 200


class SlowStore(MemorySourceStore):
    """Takes as long as a database that has to fetch what there is, and knows at once what is not.

    Lookups are further apart than any real ones: 1 to 3 ms, and 20 to 80 ms.
    """

    def __init__(self) -> None:
        super().__init__()
        self._random = random.Random(5)

    async def by_key_hash(self, key_hash: bytes) -> tuple[Source, StreamKey] | None:
        found = await super().by_key_hash(key_hash)
        await self._take(found is not None)
        return found

    async def get(self, source_id: str) -> Source | None:
        found = await super().get(source_id)
        await self._take(found is not None)
        return found

    async def _take(self, is_there: bool) -> None:
        low, high = (20, 80) if is_there else (1, 3)
        await asyncio.sleep(self._random.randint(low, high) / 1000)


def area_under_curve(ones: list[int], others: list[int]) -> float:
    """How often one of the first takes longer than one of the second; ties count half."""
    wins = sum((one > other) + (one == other) / 2 for one in ones for other in others)
    return wins / (len(ones) * len(others))


async def _measured(clock: VirtualClock, *, by_server: bool) -> tuple[list[int], list[int]]:
    """Milliseconds until a refusal, of what exists and of what does not."""
    store, signer = SlowStore(), TokenSigner(bytes(32))
    over = NOW + timedelta(seconds=1)
    await store.create(SOURCE, StreamKey("key_1", "src_1", "m", hash_key(KEY), NOW, True, over))
    keys = GuessLimit(SourceAdmission(store, [signer], clock), lambda: store.key_hashes(9), clock)
    server = RtmpServer([], keys, Hub(lambda _: None, clock), clock)
    now_s = clock.wall_ms() // 1000
    token = signer.sign("src_1", now_s, 60)
    there = [KEY, f"camera?key={KEY}", f"other?token={token}"]
    not_there = ["wrong", "camera?key=wrong", f"other?token={signer.sign('src_2', now_s, 60)}"]

    def ask(request: PublishRequest) -> Awaitable[object]:
        return server.admit(request, lambda _: None) if by_server else keys.admit(request)

    async def time_ms(stream_name: str, address: str) -> int:
        request = PublishRequest("live", stream_name, address)
        began_ms = clock.monotonic_ms()
        with pytest.raises(PublishRefused, match="unknown stream key"):
            await ask(request)
        return clock.monotonic_ms() - began_ms

    ones = [await time_ms(there[n % 3], f"10.0.0.{n}") for n in range(TRIES)]
    others = [await time_ms(not_there[n % 3], f"10.0.1.{n}") for n in range(TRIES)]
    return ones, others


def test_whether_a_source_exists_cannot_be_told_from_the_time() -> None:
    bare = run_at_once(partial(_measured, by_server=False))
    told = run_at_once(partial(_measured, by_server=True))

    assert area_under_curve(*bare) == 1, "the difference that is to be hidden is there"
    assert area_under_curve(*told) == 0.5  # the threat model allows 0.55
    assert set(told[0] + told[1]) == {RTMP_REFUSAL_MS}
