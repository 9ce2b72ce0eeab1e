"""Where keys of requests are kept with what became of them, and the keeper in memory."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from config.ids import new_id
from config.limits import IDEMPOTENCY_HOURS, IDEMPOTENCY_KEYS_MAX, IDEMPOTENCY_LOCK_SECONDS

_ENTROPY_BITS = 80
RETENTION = timedelta(hours=IDEMPOTENCY_HOURS)
LOCK = timedelta(seconds=IDEMPOTENCY_LOCK_SECONDS)


class OtherRequest(Exception):
    """This key came with another request before."""


class UnderWay(Exception):
    """The request with this key is being worked on."""


class TooManyKeys(Exception):
    """The account used as many keys in a day as are remembered."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that says which one it is. Keys belong to an account and a route.

    Attributes:
        route: method and path, without what varies in it.
        fingerprint: a hash of method, route and body.
    """

    account: str
    route: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Effect:
    """What one request brings about, however often it is tried: ids made of it are always the same.

    Attributes:
        entropy: 80 random bits, drawn when it was tried first, at `wall_ms`.
        attempt: above 1 when it was tried before and nobody knows how far that came.
    """

    wall_ms: int
    entropy: int
    attempt: int = 1

    def id(self, prefix: str) -> str:
        """The id of the one thing of this kind that the request makes."""
        return new_id(prefix, self.wall_ms, self.entropy)


@dataclass(frozen=True, slots=True)
class Claim:
    """Leave to work on a request; or, with an `answer`, that it was done before."""

    effect: Effect
    answer: str | None = None


class IdempotencyStore(Protocol):
    """Remembers keys for `IDEMPOTENCY_HOURS`. A claim ends with `answer` or `release`, or by itself
    after `IDEMPOTENCY_LOCK_SECONDS`: then its process is taken for dead.
    """

    async def claim(self, request: KeyedRequest, now: datetime) -> Claim:
        """Raises: OtherRequest, UnderWay, TooManyKeys."""

    async def answer(self, request: KeyedRequest, text: str) -> str:
        """Keep what is answered; returns what is kept, which another attempt may have been first
        with.
        """

    async def release(self, request: KeyedRequest, attempt: int) -> None:
        """This attempt came to nothing that could be answered: the next may begin at once."""


def new_effect(wall_ms: int) -> Effect:
    """Of a request that is tried for the first time."""
    return Effect(wall_ms, secrets.randbits(_ENTROPY_BITS))


@dataclass(frozen=True, slots=True)
class _Kept:
    fingerprint: bytes
    effect: Effect
    created_at: datetime
    locked_until: datetime
    answer: str | None = None


class MemoryIdempotencyStore:
    """Implements `IdempotencyStore`. Lost with the process."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], _Kept] = {}

    async def claim(self, request: KeyedRequest, now: datetime) -> Claim:
        self._kept = {
            name: kept for name, kept in self._kept.items() if kept.created_at > now - RETENTION
        }
        kept = self._kept.get(_name(request))
        if kept is None:
            if sum(name[0] == request.account for name in self._kept) >= IDEMPOTENCY_KEYS_MAX:
                raise TooManyKeys
            effect = new_effect(round(now.timestamp() * 1000))
            self._kept[_name(request)] = _Kept(request.fingerprint, effect, now, now + LOCK)
            return Claim(effect)
        if kept.fingerprint != request.fingerprint:
            raise OtherRequest
        if kept.answer is not None:
            return Claim(kept.effect, kept.answer)
        if kept.locked_until > now:
            raise UnderWay
        effect = replace(kept.effect, attempt=kept.effect.attempt + 1)
        self._kept[_name(request)] = replace(kept, effect=effect, locked_until=now + LOCK)
        return Claim(effect)

    async def answer(self, request: KeyedRequest, text: str) -> str:
        kept = self._kept[_name(request)]
        if kept.answer is None:
            self._kept[_name(request)] = replace(kept, answer=text)
        return kept.answer or text

    async def release(self, request: KeyedRequest, attempt: int) -> None:
        kept = self._kept.get(_name(request))
        if kept is not None and kept.effect.attempt == attempt:
            self._kept[_name(request)] = replace(kept, locked_until=kept.created_at)


def _name(request: KeyedRequest) -> tuple[str, str, str]:
    return request.account, request.route, request.key
