"""Creators who watch what is theirs through another account lose the platform's share, and gain
nothing.
"""

import asyncio
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from config.clock import ManualClock
from metering.intake import Delivery, Intake
from metering.ledger.ledger import Transfer, creator_account, viewer_account
from metering.money import Stroops
from metering.rules import MeterRules
from metering.shares.splits import WHOLE, Share, Split, platform_account
from metering.shares.store import MemorySplitStore
from metering.tariff import Price, RungPrice, Tariff
from tests.metering.watching import HOT, SEGMENT, TREASURY, Store

BEGAN_WITH = 10**7
HEIGHTS = [0, 360, 1080]


@st.composite
def shares(draw: st.DrawFn) -> tuple[Share, ...]:
    """Of up to five accounts, of which the first ones are the creator's own."""
    cuts = draw(st.sets(st.integers(1, WHOLE - 1), max_size=4))
    edges = [0, *sorted(cuts), WHOLE]
    return tuple(Share(f"acc_{n}", b - a) for n, (a, b) in enumerate(pairwise(edges)))


tariffs = st.builds(
    Tariff,
    st.builds(Price, st.just("XLM"), st.integers(0, 5_000), st.sampled_from([1, 7, 3600])),
    view_stroops=st.sampled_from([0, 0, 999]),
    free_seconds=st.sampled_from([0, 3]),
    session_cap=st.sampled_from([None, 5_000]),
    rungs=st.sampled_from([(), (RungPrice(720, Price("XLM", 11, 2)),)]),
)
visits = st.lists(
    st.tuples(
        st.integers(0, 12),  # segments that are asked for, one after the other
        st.sampled_from(HEIGHTS),
        st.sampled_from([0, 500, 2_000]),  # milliseconds for each
        st.sampled_from(["whole", "late", "early"]),
        st.booleans(),  # whether what is earned by then is shared out
    ),
    min_size=1,
    max_size=6,
)


class Creator:
    """Somebody with a second account, on which all of their money is."""

    def __init__(self, split: Split | None, own: int) -> None:
        self.clock, self.store = ManualClock(), Store()
        self.intake = Intake(self.store, self.clock, MeterRules())
        self.splits = MemorySplitStore(self.store.ledger)
        self.split = split
        self.accounts = [viewer_account("other", "XLM").id]
        names = ["acc_0"] if split is None else [each.account for each in split.shares[:own]]
        self.accounts += [creator_account(name, "XLM").id for name in names]

    async def begin(self) -> None:
        fill = Transfer("fill", HOT.id, TREASURY.id, Stroops(BEGAN_WITH), "XLM", "fill")
        await self.store.post([HOT, TREASURY], [fill])
        await self.intake.start()
        await self.intake.fund("other", Stroops(BEGAN_WITH), "fund")
        if self.split is not None:
            await self.splits.keep(self.split)

    async def visit(
        self, tariff: Tariff, segments: int, height: int, pause_ms: int, how: str
    ) -> None:
        payee = "acc_0" if self.split is None else self.split.id
        session = (await self.intake.open("other", "ast", payee, tariff)).session_id
        for i in range(segments):
            file = (i, i * SEGMENT, (i + 1) * SEGMENT)
            promise = self.intake.request_soon(session, *file, height=height)
            if promise is not None:
                await asyncio.wait_for(promise, 10)
                self._end(promise.delivery, how)
            self.clock.advance(pause_ms)
        await self.intake.close(session)

    def _end(self, delivery: Delivery, how: str) -> None:
        self.intake.finish(delivery, how == "whole", 999 if how == "late" else 0)

    async def has(self) -> int:
        """All that is theirs, and not under way."""
        balances = await self.store.balances(self.accounts)
        return sum(balances.values())

    async def share_out(self) -> None:
        for split_id, asset in await self.splits.unsplit(10):
            await self.splits.share_out(split_id, asset)


async def lived(
    creator: Creator, tariff: Tariff, all_visits: list[tuple[int, int, int, str, bool]]
) -> None:
    await creator.begin()
    for segments, height, pause_ms, how, shared in all_visits:
        await creator.visit(tariff, segments, height, pause_ms, how)
        if shared:
            await creator.share_out()
        assert await creator.has() <= BEGAN_WITH
    await creator.share_out()
    spent = BEGAN_WITH - (await creator.intake.balance("other")).available
    others = 0
    if creator.split is not None:
        fee, parts = creator.split.parts(spent)
        others = fee + sum(parts[len(creator.accounts) - 1 :])
        platform = platform_account("XLM").id
        assert (await creator.store.balances([platform])).get(platform, 0) == fee
    assert await creator.has() == BEGAN_WITH - others
    await creator.intake.stop()
    assert (await creator.store.ledger.check()).sound


@settings(max_examples=60, deadline=None)
@given(st.none() | shares(), st.integers(0, 5_000), st.integers(1, 5), tariffs, visits)
def test_who_pays_themselves_loses_exactly_what_others_have_a_share_of(
    shares: tuple[Share, ...] | None,
    fee: int,
    own: int,
    tariff: Tariff,
    visits: list[tuple[int, int, int, str, bool]],
) -> None:
    """Of shares that are all their own, that is the platform's fee; without a split, nothing."""
    split = None if shares is None else Split(shares, fee)
    asyncio.run(lived(Creator(split, own), tariff, visits))
