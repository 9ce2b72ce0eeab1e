"""Play money for guests: who comes before it waits for it."""

import asyncio
from typing import cast

import pytest

from api.sandbox import Sandbox
from metering.intake import Intake
from metering.settlement.chain import ChainUnreachable

_INTAKE = cast(Intake, None)  # nobody is given anything here


async def test_a_guest_of_a_first_start_waits_for_the_play_money() -> None:
    arrived = asyncio.Event()

    async def filled() -> None:
        await arrived.wait()

    asking = asyncio.ensure_future(Sandbox(_INTAKE, filled).has_money())
    await asyncio.sleep(0)
    assert not asking.done()
    arrived.set()
    await asking


async def test_play_money_that_does_not_come_is_a_network_that_does_not_answer() -> None:
    async def filled() -> None:
        raise TimeoutError

    with pytest.raises(ChainUnreachable, match="no play money yet"):
        await Sandbox(_INTAKE, filled).has_money()
