"""What is charged is the union of what was delivered, in whatever order and form it was asked for.

Requests go through `Playback` to a real meter, as both senders hand them over; bodies end whole, or
break off early or late. Without a void budget nothing is left for nothing: then the charge is the
union exactly, of every rung. With one it is less by what that grants, at most.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from api.auth.playback_token import Grant, PlaybackTokens
from api.delivery.answer import Answer
from api.delivery.file_answer import file_answer
from api.delivery.playback import Playback, Promised
from api.delivery.request import UNCONDITIONAL, Conditions, MediaRequest, read_target
from config.clock import ManualClock
from metering.intake import Delivery, Intake
from metering.ledger.ledger import Transfer, hot_account, treasury_account
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.store import MemoryMeterStore
from metering.tariff import Price, RungPrice, Tariff
from packager.naming import MP4, FilePath, PartPath, SegmentPath
from packager.package import Charge, MediaFile
from tests.api.delivery.site import ASSET, Film

HISTORIES = 300
SEGMENTS, SEGMENT, PARTS = 200, 2 * UNITS_PER_SECOND, 10
FIFTH = SEGMENT // PARTS
HEIGHTS = {"sound": 0, "360p": 360, "1080p": 1080}
TARIFFS = [
    Tariff(Price("XLM", 7, 3)),
    Tariff(Price("XLM", 7, 3), rungs=(RungPrice(720, Price("XLM", 3, 1)),)),
]
Media = set[int]  # in fifths of a second, as long as a part


class Ladder(Film):
    """Sound and two sizes of pictures, in segments of two seconds and parts of a fifth."""

    def _file(self, path: FilePath) -> MediaFile | None:
        if not isinstance(path, SegmentPath | PartPath):
            return None
        start, height = path.sequence * SEGMENT, HEIGHTS[path.rendition]
        charge = Charge(path.sequence, start, start + SEGMENT, height=height)
        if isinstance(path, PartPath):
            lo = start + path.part * SEGMENT // PARTS
            charge = Charge(path.sequence, lo, lo + SEGMENT // PARTS, prompt=True, height=height)
        return MediaFile(f"{path}".encode() * 9, MP4, charge)


@dataclass
class Body:
    """One under way, and what it brings."""

    delivery: Delivery
    media: Media
    height: int


@dataclass
class History:
    """A session, and what its viewer was given."""

    clock: ManualClock
    film: Ladder
    intake: Intake
    playback: Playback
    token: str
    under_way: list[Body] = field(default_factory=list)
    delivered: Media = field(default_factory=set)
    better: Media = field(default_factory=set)

    async def step(self, place: int, what: str, *details: Any) -> None:
        if what == "ask":
            await self.ask(place, *details)
        elif what == "end":
            self.end(*details)
        else:
            await self.wait(*details)

    async def ask(self, place: int, rendition: str, part: str, method: str, form: str) -> None:
        target = read_target(f"{rendition}/{place}{part}.m4s", [])
        assert isinstance(target.path, SegmentPath | PartPath)
        file = self.film.file_at_hand(target.path)
        assert file is not None
        assert file.charge is not None
        request = MediaRequest(method, ASSET, self.token, target, conditions(file, form))
        answer = self.playback.at_once(request)
        if isinstance(answer, Promised):
            await asyncio.wait_for(answer.saved, 10)
            answer = answer.answer
        if not isinstance(answer, Answer):
            return  # it is too early
        has_body = method == "GET" and form not in ("known", "beyond")
        assert (answer.delivery is not None, bool(answer.body)) == (has_body, has_body)
        if answer.delivery is not None:
            charge = file.charge
            media = set(range(charge.start // FIFTH, charge.end // FIFTH))
            self.under_way.append(Body(answer.delivery, media, charge.height))

    def end(self, number: int, how: str) -> None:
        if not self.under_way:
            return
        body = self.under_way.pop(number % len(self.under_way))
        taken = {"whole": 0, "early": 249, "late": 250}[how]
        self.playback.finish(body.delivery, how == "whole", taken)
        if how != "early":
            self.count(body)

    def count(self, body: Body) -> None:
        self.delivered |= body.media
        if body.height >= 720:
            self.better |= body.media

    async def wait(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds)
        await self.intake.sweep()


def conditions(file: MediaFile, form: str) -> Conditions:
    """Fields of a request for a file: those of a copy that is known, or of a piece."""
    tag = file_answer(file, "GET", UNCONDITIONAL).fields.decode().split(" ")[1].strip()
    forms = {
        "whole": UNCONDITIONAL,
        "known": Conditions(if_none_match=tag),
        "unknown": Conditions(if_none_match='"another"'),
        "piece": Conditions(range="bytes=10-20"),
        "end": Conditions(range="bytes=-7", if_range=tag),
        "beyond": Conditions(range="bytes=9999-"),
    }
    return forms[form]


asks = st.tuples(
    st.just("ask"),
    st.sampled_from(list(HEIGHTS)),
    st.sampled_from(["", "", "", ".0", ".1", ".9"]),  # of a segment, or which part of it
    st.sampled_from(["GET"] * 5 + ["HEAD"]),
    st.sampled_from(["whole"] * 5 + ["known", "unknown", "piece", "end", "beyond"]),
)
# What happens at one place, and how far on the next one is. In many steps at few places all would
# be delivered in the end, and nothing be seen of what is charged by mistake.
ends = st.tuples(
    st.just("end"), st.integers(0, 9), st.sampled_from(["whole", "whole", "early", "late"])
)
waits = st.tuples(st.just("wait"), st.sampled_from([0, 200, 2_000, 9_000]))
steps = st.lists(st.one_of(asks, asks, ends, ends, waits), min_size=1, max_size=7)
scenes = st.lists(st.tuples(st.sampled_from([1, 1, 1, 20]), steps), min_size=1, max_size=8)


type Scenes = list[tuple[int, list[tuple[Any, ...]]]]


async def lived(scenes: Scenes, tariff: Tariff, void_s: int) -> None:
    clock, store, film = ManualClock(), MemoryMeterStore(), Ladder(segments=SEGMENTS)
    hot, treasury = hot_account("XLM"), treasury_account("XLM")
    await store.post(
        [hot, treasury],
        [Transfer("fill", hot.id, treasury.id, Stroops(10**9), "XLM", "fund")],
    )
    rules = replace(MeterRules(), void_units_max=void_s * UNITS_PER_SECOND)
    intake = Intake(store, clock, rules)
    await intake.start()
    await intake.fund("v", Stroops(10**6), "fund")
    session = (await intake.open("v", ASSET, "creator", tariff)).session_id
    tokens = PlaybackTokens(bytes(32))
    grant = Grant(session, clock.wall_ms() // 1000 + 3_600)
    packages = Packages(film)
    playback = Playback(packages, intake, tokens, clock, 1_000)
    history = History(clock, film, intake, playback, tokens.session_token(grant, ASSET))
    place = 0
    for further, steps in scenes:
        place += further
        for what, *details in steps:
            await history.step(place, what, *details)
            assert (await intake.summary(session)).seconds_billed * 5 <= len(history.delivered)
    for body in history.under_way:
        history.count(body)  # it may still arrive
    closed = await intake.close(session)
    saved = await store.session(session)
    state = None if saved is None else saved.meter_state()
    if state is not None:
        whole, better = FIFTH * len(history.delivered), FIFTH * len(history.better)
        posted = [state.posted, *(units for units, _ in state.rungs)]
        most = [whole, better][: len(posted)]
        assert all(a <= b for a, b in zip(posted, most, strict=True))
        assert posted[0] >= most[0] - rules.void_units_max
        assert void_s or posted == most
        seconds = [units // UNITS_PER_SECOND for units in posted]
        assert closed.amount == tariff.cost(seconds[0], tuple(seconds[1:]))
    assert (await intake.balance("v")).available == 10**6 - closed.amount
    await intake.stop()


@dataclass
class Packages:
    """One, which is always at hand."""

    film: Ladder

    def at_hand(self, asset_id: str) -> Ladder:
        del asset_id
        return self.film

    async def get(self, asset_id: str) -> Ladder:
        return self.at_hand(asset_id)


@settings(max_examples=HISTORIES, deadline=None)
@given(
    scenes,
    st.sampled_from([*TARIFFS, TARIFFS[1]]),
    st.sampled_from([0, 0, 0, 4, 120]),
)
def test_the_charge_is_the_union_of_what_was_delivered(
    scenes: Scenes, tariff: Tariff, void_s: int
) -> None:
    asyncio.run(lived(scenes, tariff, void_s))
