"""The same traces through the real meter and through an independent one come to the same seconds,
at every rung, and to the same money, after every single step.
"""

import random
from dataclasses import dataclass, replace
from fractions import Fraction

import pytest

from metering.decision import Decision, Duplicate, Pace, Serve, ShortOfFunds
from metering.meter import Meter
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import read_state
from metering.tariff import Price, RungPrice, Tariff
from metering.terms import Terms
from metering.void_budget import VoidBudget
from tests.metering.meter_model import TENTHS, MeterModel, ModelPrice, ModelRules

UNITS = UNITS_PER_SECOND // TENTHS
MS = 1000 // TENTHS
HEIGHTS = (0, 360, 720, 1080)
WORDS = {Serve: "serve", Duplicate: "duplicate", Pace: "pace", ShortOfFunds: "funds"}
# What a player does next, and how often.
WISHES = {"ask": 10, "again": 3, "jump": 2, "odd": 2, "end": 8, "wait": 2, "restart": 0.3}
# How long players wait: those who hurry are held by what there was time to watch.
PAUSES = ((0, 0, 3, 20, 20, 60, 250), (0, 0, 1, 4, 10))
# Thousandths of a file that its client took before it left.
TAKEN = (0, 249, 250, 999)
SEEDS, TRACES, STEPS = 4, 150, 70


@dataclass
class Pair:
    """Both meters, told the same."""

    rules: MeterRules
    budget: VoidBudget
    meter: Meter
    model: MeterModel
    balance: int

    def request(self, ticket: int, lo: int, hi: int, now: int, height: int) -> str:
        """What both say, which is the same."""
        available = self.balance - self.meter.drawn
        real: Decision = self.meter.request(
            ticket, lo * UNITS, hi * UNITS, now * MS, available, height
        )
        modelled = self.model.request(ticket, lo, hi, now, height)
        assert WORDS[type(real)] == modelled
        return modelled

    def finish(self, ticket: int, now: int, *, complete: bool, taken: int) -> None:
        self.meter.finish(ticket, complete=complete, now=now * MS, taken=taken)
        self.model.finish(ticket, now, complete=complete, taken=taken)

    def advance(self, now: int) -> None:
        self.meter.advance(now * MS)
        self.model.advance(now)

    def restart(self, now: int) -> None:
        state = read_state(self.meter.text())
        terms = self.meter.terms
        self.meter = Meter.restore(terms, self.rules, self.budget, state, now * MS)
        self.model.restart(now)

    def close(self, now: int) -> None:
        self.meter.close(now * MS)
        self.model.close(now)

    def compare(self) -> None:
        meter, model = self.meter, self.model
        assert meter.posted == len(model.posted) * UNITS
        assert meter.rung_seconds == tuple(each // TENTHS for each in model.at_rungs)
        assert (meter.amount, meter.drawn) == (model.amount, model.drawn)
        assert self.budget.used == model.used * UNITS


def drawn_pair(rng: random.Random) -> Pair:
    """Both with the same rules, price and balance."""
    stroops, seconds = rng.randint(0, 900), rng.choice([1, 7, 60])
    surcharges = [(height, rng.randint(0, 90)) for height in HEIGHTS[2:]]
    rungs = surcharges[: rng.choice([0, 0, 1, 2])]
    tariff = Tariff(
        price=Price("XLM", stroops, seconds),
        view_stroops=rng.choice([0, 0, 50]),
        free_seconds=rng.choice([0, 0, 5]),
        session_cap=rng.choice([None, None, 700]),
        rungs=tuple(RungPrice(height, Price("XLM", extra, 3)) for height, extra in rungs),
    )
    void_max, window = rng.choice([0, 40, 150, 1_200]), rng.choice([100, 36_000])
    repeat_max = rng.choice([40, 200])
    rules = replace(
        MeterRules(),
        void_units_max=void_max * UNITS,
        void_window_ms=window * MS,
        repeat_units_max=repeat_max * UNITS,
    )
    balance = rng.choice([0, 300, 10**9])
    budget = VoidBudget(rules.void_units_max, rules.void_window_ms)
    price = ModelPrice(
        rate=Fraction(stroops, seconds),
        fee=tariff.view_stroops,
        free=tariff.free_seconds,
        cap=tariff.session_cap,
        rungs=tuple((height, Fraction(extra, 3)) for height, extra in rungs),
    )
    model_rules = ModelRules(void_max=void_max, void_window=window, repeat_max=repeat_max)
    return Pair(
        rules,
        budget,
        Meter(Terms.of(tariff), rules, budget, now=0),
        MeterModel(price, model_rules, balance),
        balance,
    )


class Trace:
    """One player that does all there is to do, in an order that chance decides."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.pair = drawn_pair(rng)
        self._pauses = rng.choice(PAUSES)
        self.now = self._place = self._ticket = 0
        self._under_way: list[int] = []
        self.asked: dict[int, set[int]] = {height: set() for height in HEIGHTS}

    def step(self) -> None:
        rng = self._rng
        self.now += rng.choice(self._pauses)
        what = rng.choices(list(WISHES), list(WISHES.values()))[0]
        if what == "wait":
            self.pair.advance(self.now)
        elif what == "restart":
            self.pair.restart(self.now)
            self._under_way.clear()
        elif what == "end":
            self._end()
        else:
            self._ask(what)

    def _end(self) -> None:
        if self._under_way:
            ticket = self._under_way.pop(self._rng.randrange(len(self._under_way)))
            complete, taken = self._rng.random() < 0.8, self._rng.choice(TAKEN)
            self.pair.finish(ticket, self.now, complete=complete, taken=taken)

    def _ask(self, what: str) -> None:
        rng = self._rng
        self._ticket += 1
        if what == "jump":
            self._place = rng.randrange(0, 1_200, 20)
        back = rng.choice([20, 20, 40, 100]) if what == "again" else 0
        lo = max(0, self._place - back)
        hi = lo + (rng.randint(1, 90) if what == "odd" else 20)
        height = rng.choice(HEIGHTS)
        word = self.pair.request(self._ticket, lo, hi, self.now, height)
        if word in {"serve", "duplicate"}:
            self._under_way.append(self._ticket)
            self._place = hi if what != "again" else self._place
            for each in HEIGHTS:
                self.asked[each] |= set(range(lo, hi)) if each <= height else set()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_step_of_a_trace_comes_to_the_same(seed: int) -> None:
    for trace in range(TRACES):
        player = Trace(random.Random(f"{seed} {trace}"))
        pair = player.pair
        for _ in range(STEPS):
            player.step()
            pair.compare()
        pair.close(player.now)
        pair.compare()
        assert pair.meter.held == 0
        # Nothing is charged twice at any rung, however often it was fetched.
        assert pair.meter.posted <= len(player.asked[0]) * UNITS
        rungs = pair.model.price.rungs
        for (height, _), seconds in zip(rungs, pair.meter.rung_seconds, strict=True):
            assert seconds * TENTHS <= len(player.asked[height])


def test_the_references_own_traces_come_to_its_seconds() -> None:
    """Five minutes of an honest viewer are 302 seconds; also of the model, which is what counts."""
    rng = random.Random(1)
    for prefetch in (6, 30, 600):
        model = MeterModel(ModelPrice(Fraction(5_000_000, 3600)), ModelRules(), 10**12)
        now = segment = ticket = 0
        while now < 3_000:
            while 2 * segment < now / TENTHS + prefetch:
                ticket += 1
                if model.request(ticket, segment * 20, segment * 20 + 20, now, 0) == "pace":
                    break
                model.finish(ticket, now, complete=True)
                segment += rng.random() > 0.2
            now += 5
            model.advance(now)
        model.close(now)
        assert len(model.posted) == 3_020
        assert model.amount == 5_000_000 * 302 // 3600
