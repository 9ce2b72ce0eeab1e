"""The same request twice has one effect: keys that clients choose for what moves money.

A POST that moves money may carry `Idempotency-Key`, as draft-ietf-httpapi-idempotency-key-header
has it: within a day the same request with the same key is answered with the same document, another
one with that key (another body, or of another thing) is refused (422), and so is one while the
first is under way (409).

What is kept is what was done, never what was refused: nothing has moved then, and the same key may
be tried again, when there is money for instance.

Between an effect and its kept answer the process may die. So a key is kept before anything is done,
with random bits of which the ids of all that the request makes are made (`Effect`). Whoever tries
again brings about the same ids, and every effect is one that the books know by its id: a session is
opened once, a transfer is posted once, a session that is closed stays so. The second try finds what
the first one did and answers with it.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from aiohttp import web

from api.errors import Problem, invalid, unavailable
from api.failures import EXPECTED
from api.idempotency_store import (
    Claim,
    Effect,
    IdempotencyStore,
    KeyedRequest,
    OtherRequest,
    TooManyKeys,
    UnderWay,
    new_effect,
)
from config.clock import Clock
from config.limits import IDEMPOTENCY_ANSWER_BYTES_MAX, IDEMPOTENCY_WORK_SECONDS_MAX
from config.postgres import UNAVAILABLE
from config.tasks import to_the_end

Document = dict[str, object]

Work = Callable[[Effect], Awaitable[Document]]
"""Brings a request's effect about, or finds that it is there, and says what to answer."""

TOO_MANY_KEYS = "idempotency_too_many_keys"

# A string of RFC 9651, 3.3.3 without escapes, or what most clients send: the same without quotes.
_KEY = re.compile(r'"([ !#-\[\]-~]{1,128})"|([!#-\[\]-~]{1,128})')


@dataclass(frozen=True, slots=True)
class Done:
    """What to answer; `replayed` when that was decided before."""

    document: Document
    replayed: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """Tell a client that it was answered before."""
        return {"Idempotency-Replayed": "true"} if self.replayed else {}


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Lets each keyed request have its effect once."""

    store: IdempotencyStore
    clock: Clock

    async def once(
        self, request: web.Request, account: str, work: Work, *, required: bool = False
    ) -> Done:
        """Do the work of a request of this account, unless that was done.

        Raises:
            Problem: 400 for a key that is none, or none where one is `required`; 409, 422 and 429
                as above; 503 when the database is silent.
            Whatever `work` raises.
        """
        keyed = await _keyed_by(request, account)
        if keyed is not None:
            return await self.keyed(keyed, work)
        if required:
            raise Problem(400, "idempotency_key_required", "This needs an Idempotency-Key")
        return Done(await work(new_effect(self.clock.wall_ms())))

    async def answered(self, request: web.Request, account: str) -> Done | None:
        """What a request was answered before; None when it was not, or has no key. For work that
        takes longer than `once` waits, and is safe to begin twice: it is done between this and a
        `once` that only says what was done.

        Raises:
            Problem: as `once`.
        """
        keyed = await _keyed_by(request, account)
        if keyed is None:
            return None
        try:
            claim = await self._claim(keyed)
            if claim.answer is not None:
                return Done(json.loads(claim.answer), replayed=True)
            await self.store.release(keyed, claim.effect.attempt)
        except UNAVAILABLE:
            raise _out_of_reach() from None
        return None

    async def keyed(self, request: KeyedRequest, work: Work) -> Done:
        """As `once`, of a request whose key is known. A client that leaves does not stop it."""
        done = await to_the_end(self._attempt(request, work), name="keyed request")
        if isinstance(done, Exception):
            raise done
        return done

    async def _attempt(self, request: KeyedRequest, work: Work) -> Done | Exception:
        """What is expected comes back as a value: a task that fails is logged."""
        try:
            return await self._do(request, work)
        except EXPECTED as error:
            return error
        except UNAVAILABLE:
            # Nobody knows what happened; the next attempt finds out.
            return _out_of_reach()

    async def _do(self, request: KeyedRequest, work: Work) -> Done:
        claim = await self._claim(request)
        if claim.answer is not None:
            return Done(json.loads(claim.answer), replayed=True)
        is_done = False
        try:
            async with asyncio.timeout(IDEMPOTENCY_WORK_SECONDS_MAX):
                document = await work(claim.effect)
            is_done = True
        finally:
            if not is_done:
                await self.store.release(request, claim.effect.attempt)
        text = json.dumps(document, separators=(",", ":"))
        assert len(text) <= IDEMPOTENCY_ANSWER_BYTES_MAX, "answers of routes with keys are short"
        return Done(json.loads(await self.store.answer(request, text)))

    async def _claim(self, request: KeyedRequest) -> Claim:
        now = datetime.fromtimestamp(self.clock.wall_ms() / 1000, UTC)
        try:
            return await self.store.claim(request, now)
        except (OtherRequest, UnderWay, TooManyKeys) as refusal:
            raise _problem(refusal) from None


def keyed_request(
    account: str, route: str, key: str, body: bytes, address: str | None = None
) -> KeyedRequest:
    """A request with its key; what a key was used for is told by address and body. An address is
    the route with the names of things in it: the same words about another thing are another wish.
    """
    words = f"{address or route}\n".encode() + body
    return KeyedRequest(account, route, key, sha256(words).digest())


async def _keyed_by(request: web.Request, account: str) -> KeyedRequest | None:
    """A request that has a key. Raises: Problem: 400 for a key that is none."""
    key = _key(request)
    if key is None:
        return None
    resource, method = request.match_info.route.resource, request.method
    path = request.path if resource is None else resource.canonical
    address, body = f"{method} {request.path}", await request.read()
    return keyed_request(account, f"{method} {path}", key, body, address)


def _key(request: web.Request) -> str | None:
    given = request.headers.getall("Idempotency-Key", [])
    if not given:
        return None
    match = _KEY.fullmatch(given[0].strip()) if len(given) == 1 else None
    if match is None:
        raise invalid("Idempotency-Key: one string of 1 to 128 letters, digits or signs")
    return match.group(1) or match.group(2)


def _out_of_reach() -> Problem:
    return unavailable("the books are out of reach; send the same request again")


def _problem(refusal: OtherRequest | UnderWay | TooManyKeys) -> Problem:
    match refusal:
        case OtherRequest():
            detail = "take another key, or send the same request as before"
            return Problem(422, "idempotency_key_reused", "This key was another request's", detail)
        case UnderWay():
            again = {"Retry-After": "1"}
            detail = "ask again in a second"
            title = "This request is under way"
            return Problem(409, "idempotency_under_way", title, detail, headers=again)
        case TooManyKeys():
            again = {"Retry-After": "3600"}
            detail = "keys are forgotten after a day"
            return Problem(429, TOO_MANY_KEYS, "Too many keys", detail, headers=again)
