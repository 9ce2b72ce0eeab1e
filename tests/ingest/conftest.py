"""Fixtures of the tests of publishing."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ingest.rtmp_server import RtmpLimits
from tests.ingest.footage import Footage, make_footage
from tests.ingest.rig import Rig


@pytest.fixture(scope="session")
def footage() -> Footage:
    return make_footage()


@pytest.fixture
async def make_rig() -> AsyncIterator[Callable[..., Awaitable[Rig]]]:
    rigs = []

    async def make(**limits: int) -> Rig:
        rig = Rig(RtmpLimits(**{"refusal_ms": 1, **limits}))
        rigs.append(rig)
        await rig.server.start()
        return rig

    yield make
    for rig in rigs:
        await rig.stop()


@pytest.fixture
async def rig(make_rig: Callable[..., Awaitable[Rig]]) -> Rig:
    return await make_rig()
