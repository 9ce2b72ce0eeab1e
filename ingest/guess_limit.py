"""How many stream keys strangers may try."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from weakref import WeakValueDictionary

from config.clock import Clock
from config.limits import (
    RTMP_GOOD_NETWORKS_MAX,
    RTMP_GOOD_NETWORKS_MS,
    RTMP_KNOWN_KEYS_MS,
)
from config.postgres import UNAVAILABLE
from config.telemetry import counter
from ingest.admission import Admission, Admitted, PublishRefused, PublishRequest
from ingest.credentials import parse_credentials
from ingest.mistakes import Mistakes
from ingest.network import network_of
from ingest.stream_key import hash_key

_outcomes = counter("publish_requests_total", "Publishers that asked to be let in", ("outcome",))

KeyHashes = Callable[[], Awaitable[Collection[bytes]]]
"""The hashes of keys that exist, at least of those that were made or used last."""


class GuessLimit:
    """An admission that looks at so many wrong keys only.

    * A network that was wrong too often waits, whatever it sends next. Its keys are looked at one
      after the other, so that many connections at once are no more guesses.
    * When all networks together were wrong too often, keys are looked at only if they come from
      where somebody was let in lately, or if they are among those that exist. For the latter the
      hashes of keys are read into memory now and then: whoever has a key is let in during a flood
      as well, and a wrong one costs the database nothing.
    * Tokens are none of the latter: to find one wrong takes no database either.
    """

    def __init__(self, admission: Admission, key_hashes: KeyHashes, clock: Clock) -> None:
        self._admission = admission
        self._clock = clock
        self._mistakes = Mistakes()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._good = _GoodNetworks()
        self._keys = _KnownKeys(key_hashes)

    async def admit(self, request: PublishRequest) -> Admitted:
        network = network_of(request.address)
        async with self._turns.setdefault(network, asyncio.Lock()):
            try:
                await self._refuse_guesses(request, network)
                admitted = await self._admission.admit(request)
            except PublishRefused as refused:
                self._count(refused, network)
                raise
        self._good.add(network, self._clock.monotonic_ms())
        _outcomes.labels("admitted").inc()
        return admitted

    def _count(self, refused: PublishRefused, network: str) -> None:
        if refused.is_mistake:
            self._mistakes.record(network, self._clock.monotonic_ms())
        _outcomes.labels(_outcome(refused)).inc()

    async def _refuse_guesses(self, request: PublishRequest, network: str) -> None:
        now_ms = self._clock.monotonic_ms()
        if self._mistakes.are_too_many(network, now_ms):
            raise _TooManyGuesses
        if not self._mistakes.are_too_many_in_all(now_ms) or self._good.has(network, now_ms):
            return
        key = parse_credentials(request.stream_name, request.app, request.url).key
        if key and not await self._keys.include(hash_key(key), now_ms):
            raise _TooManyGuesses


class _GoodNetworks:
    """From where somebody was let in lately; the last ones."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, int] = OrderedDict()

    def add(self, network: str, now_ms: int) -> None:
        self._times[network] = now_ms
        self._times.move_to_end(network)
        if len(self._times) > RTMP_GOOD_NETWORKS_MAX:
            self._times.popitem(last=False)

    def has(self, network: str, now_ms: int) -> bool:
        time = self._times.get(network)
        return time is not None and now_ms - time < RTMP_GOOD_NETWORKS_MS


class _KnownKeys:
    """Hashes of keys that exist, read again when they are asked for and old."""

    def __init__(self, read: KeyHashes) -> None:
        self._read = read
        self._hashes: frozenset[bytes] = frozenset()
        self._read_ms: int | None = None
        self._reading = asyncio.Lock()

    async def include(self, key_hash: bytes, now_ms: int) -> bool:
        async with self._reading:
            if self._read_ms is None or now_ms - self._read_ms >= RTMP_KNOWN_KEYS_MS:
                self._read_ms = now_ms
                await self._refresh()
        return key_hash in self._hashes

    async def _refresh(self) -> None:
        # Without the database, what was read before is still nearly right.
        with suppress(*UNAVAILABLE):
            self._hashes = frozenset(await self._read())


class _TooManyGuesses(PublishRefused):
    """What was shown is not looked at."""

    def __init__(self) -> None:
        super().__init__("too many wrong stream keys, try again in a minute", is_mistake=False)


def _outcome(refused: PublishRefused) -> str:
    if isinstance(refused, _TooManyGuesses):
        return "limited"
    return "mistaken" if refused.is_mistake else "not_now"
