import asyncio
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.clock import ManualClock
from config.limits import KEY_SET_FRESH_MS, KEY_SET_KEPT_MS, KEY_SET_RETRY_MS
from config.tasks import spawn
from ingest.issuer_keys import FetchedKeys, FetchFailed
from ingest.key_set import thumbprint, write_key_set
from ingest.publish_token import IssuerKey, KeysUnknown

OLD = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
NEW = Ed25519PrivateKey.from_private_bytes(b"n" * 32).public_key()
OLD_ID, NEW_ID = thumbprint(OLD), thumbprint(NEW)


class Issuer:
    """What an issuer publishes, and how often it was asked; `opened` holds its answer back."""

    def __init__(self) -> None:
        self.published = json.dumps(write_key_set([OLD])).encode()
        self.works = True
        self.asked = 0
        self.was_asked = asyncio.Event()
        self.opened = asyncio.Event()
        self.opened.set()
        self.clock = ManualClock()
        self.keys = FetchedKeys("them", self._fetch, self.clock)

    async def _fetch(self) -> bytes:
        self.asked += 1
        self.was_asked.set()
        await self.opened.wait()
        if not self.works:
            raise FetchFailed("no route to host")
        return self.published


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


async def test_many_tokens_at_once_ask_once(issuer: Issuer) -> None:
    found = await asyncio.gather(*(issuer.keys.find(OLD_ID) for _ in range(20)))

    assert found == [IssuerKey("them", OLD)] * 20
    assert issuer.asked == 1


async def test_a_new_key_is_found_and_an_unknown_one_does_not_ask_again_and_again(
    issuer: Issuer,
) -> None:
    await issuer.keys.find(OLD_ID)
    issuer.published = json.dumps(write_key_set([NEW])).encode()
    for _ in range(10):
        assert await issuer.keys.find(NEW_ID) is None
    assert issuer.asked == 1

    issuer.clock.advance(KEY_SET_RETRY_MS)

    assert await issuer.keys.find(NEW_ID) == IssuerKey("them", NEW)
    assert await issuer.keys.find(OLD_ID) is None, "it was withdrawn"
    assert issuer.asked == 2


async def test_keys_that_are_some_minutes_old_are_fetched_again(issuer: Issuer) -> None:
    await issuer.keys.find(OLD_ID)
    issuer.published = json.dumps(write_key_set([NEW])).encode()
    issuer.clock.advance(KEY_SET_FRESH_MS - 1)
    assert await issuer.keys.find(OLD_ID) is not None

    issuer.clock.advance(1)

    assert await issuer.keys.find(OLD_ID) is None


async def test_while_one_waits_for_the_issuer_others_with_known_keys_do_not(issuer: Issuer) -> None:
    await issuer.keys.find(OLD_ID)
    issuer.clock.advance(KEY_SET_FRESH_MS)
    issuer.was_asked.clear()
    issuer.opened.clear()
    waiting = spawn(issuer.keys.find(OLD_ID), name="first")
    await issuer.was_asked.wait()

    assert await issuer.keys.find(OLD_ID) == IssuerKey("them", OLD)

    assert not waiting.done()
    issuer.opened.set()
    await waiting


@pytest.mark.parametrize("broken", [b"<html>bad gateway</html>", None])
async def test_what_was_fetched_is_good_for_a_day_while_the_issuer_is_away(
    issuer: Issuer, broken: bytes | None
) -> None:
    await issuer.keys.find(OLD_ID)
    issuer.works, issuer.published = broken is not None, broken or b""

    issuer.clock.advance(KEY_SET_KEPT_MS - 1)
    assert await issuer.keys.find(OLD_ID) == IssuerKey("them", OLD)
    issuer.clock.advance(1)
    with pytest.raises(KeysUnknown):
        await issuer.keys.find(OLD_ID)


async def test_without_any_keys_nobody_can_tell(issuer: Issuer) -> None:
    issuer.works = False
    for _ in range(10):
        with pytest.raises(KeysUnknown):
            await issuer.keys.find(OLD_ID)
    assert issuer.asked == 1
    issuer.works = True
    issuer.clock.advance(KEY_SET_RETRY_MS)
    assert await issuer.keys.find(OLD_ID) == IssuerKey("them", OLD)
