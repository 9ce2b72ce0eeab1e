"""A segment is encrypted once for all who ask, off the loop when it takes long."""

import asyncio
import threading

import pytest

from packager.encrypted_cache import EncryptedCache
from packager.naming import SegmentPath

PATH = SegmentPath("720p", 1)
LARGE = 100_000


class Work:
    """What is done to a segment; it can be made to wait, or to fail."""

    def __init__(self, size: int, error: Exception | None = None) -> None:
        self.size, self.error = size, error
        self.threads: list[str] = []
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self) -> bytes:
        self.threads.append(threading.current_thread().name)
        assert self.may_end.wait(10)
        if self.error is not None:
            raise self.error
        return bytes(self.size)


@pytest.mark.parametrize("size", [1, LARGE])
async def test_it_is_made_once_and_kept(size: int) -> None:
    cache, work = EncryptedCache(), Work(size)
    assert cache.at_hand("ast_1", PATH) is None

    found = await asyncio.gather(
        *(cache.get("ast_1", PATH, work, at_once=size < LARGE) for _ in range(5))
    )

    assert len({id(each) for each in found}) == 1
    assert cache.at_hand("ast_1", PATH) is found[0]
    assert cache.at_hand("ast_2", PATH) is None
    (thread,) = work.threads
    assert (thread == threading.current_thread().name) == (size < LARGE)


async def test_who_leaves_does_not_take_it_from_the_others() -> None:
    cache, work = EncryptedCache(), Work(LARGE)
    work.may_end.clear()
    first = asyncio.ensure_future(cache.get("ast_1", PATH, work, at_once=False))
    second = asyncio.ensure_future(cache.get("ast_1", PATH, work, at_once=False))
    await asyncio.sleep(0)
    first.cancel()
    work.may_end.set()
    assert len(await second) == LARGE
    assert len(work.threads) == 1


async def test_what_fails_is_tried_again_by_the_next() -> None:
    cache = EncryptedCache()
    with pytest.raises(ValueError, match="broken"):
        await cache.get("ast_1", PATH, Work(1, ValueError("broken")), at_once=True)
    assert await cache.get("ast_1", PATH, Work(1), at_once=True) == b"\0"


async def test_memory_is_bounded() -> None:
    cache = EncryptedCache(bytes_max=10)
    for number in range(4):
        await cache.get("ast_1", SegmentPath("720p", number), Work(4), at_once=True)
    kept = [cache.at_hand("ast_1", SegmentPath("720p", number)) for number in range(4)]
    assert kept == [None, None, bytes(4), bytes(4)]
