"""The meter charges what was delivered and could be watched, whatever the player does.

The traces of the reference (facts, "Meter") must end with the published seconds; a small second
implementation over sets of whole seconds must agree on random ones; and random histories with
bodies in flight must keep the invariants I2 to I7.
"""

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.limits import METER_INTERVAL_UNITS_MAX, METER_INTERVALS_MAX, METER_REQUESTS_MAX
from metering.decision import Decision, Duplicate, Fragmented, Pace, Serve, ShortOfFunds
from metering.meter import BadInterval, Meter
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import read_state
from metering.tariff import Price, RungPrice, Tariff
from metering.terms import Terms
from metering.void_budget import VoidBudget

RULES = MeterRules()
PRICE = Price("XLM", 5_000_000, 3600)
RICH = 10**15
SECOND = UNITS_PER_SECOND


class Player:
    """A player that asks for seconds of media and takes every body at once, or later."""

    def __init__(
        self, price: Price = PRICE, balance: int = RICH, rules: MeterRules = RULES
    ) -> None:
        self.balance = balance
        self.rules = rules
        self.budget = VoidBudget(rules.void_units_max, rules.void_window_ms)
        self.meter = Meter(Terms.of(price), rules, self.budget, now=0)
        self.tickets = itertools.count()

    @property
    def available(self) -> int:
        return self.balance - self.meter.drawn

    def send(self, lo: float, hi: float, now: int) -> tuple[int, Decision]:
        """Ask; the body goes out and is not finished yet."""
        ticket = next(self.tickets)
        units = (round(lo * SECOND), round(hi * SECOND))
        return ticket, self.meter.request(ticket, *units, now, self.available)

    def get(self, lo: float, hi: float, now: int) -> Decision:
        """Ask, and take the whole body at once."""
        ticket, decision = self.send(lo, hi, now)
        self.meter.finish(ticket, complete=True, now=now)
        return decision

    def leave(self, lo: float, hi: float, now: int, *, taken: int = 999) -> Decision:
        """Ask, and go when so many thousandths of the body were taken."""
        ticket, decision = self.send(lo, hi, now)
        self.meter.finish(ticket, complete=False, now=now, taken=taken)
        return decision

    def segment(self, i: int, now: int) -> Decision:
        return self.get(2 * i, 2 * i + 2, now)


def check(player: Player) -> None:
    """The invariants of facts/metering 2.9 that one session can keep."""
    meter = player.meter
    ticks = meter.posted // SECOND
    assert player.available >= 0
    price = meter.terms.tariff.price
    assert meter.amount == price.stroops * ticks // price.seconds  # I4
    assert 0 <= meter.posted <= meter.delivered  # I5
    assert meter.posted <= meter.allowed  # I6
    last = (meter.posted + meter.pending) // SECOND
    assert meter.held == price.cost(ticks, last)  # I7
    ready = sum(hi - lo for lo, hi, in_flight in meter.snapshot().pending if not in_flight)
    assert meter.delivered == meter.posted + ready + meter.voided
    assert sum(hi - lo for lo, hi in meter.covered()) == (
        meter.posted + meter.pending + meter.waived
    )


# --- the reference's traces ----------------------------------------------------------------------


@pytest.mark.parametrize("prefetch_s", [6, 30, 600])
def test_five_minutes_cost_302_seconds_however_far_a_player_fetches_ahead(prefetch_s: int) -> None:
    player, rng = Player(), random.Random(1)
    segment = now = 0
    while now < 300_000:
        while 2 * segment < now / 1000 + prefetch_s:
            if isinstance(player.segment(segment, now), Pace):
                break
            if rng.random() < 0.2:
                assert player.segment(segment, now) == Duplicate()
            segment += 1
        now += 500
        player.meter.advance(now)
    player.meter.close(now)
    check(player)
    assert player.meter.posted == 302 * SECOND
    assert player.meter.held == 0
    assert player.meter.amount == 5_000_000 * 302 // 3600


def test_a_viewer_who_jumps_every_five_seconds_pays_for_the_time() -> None:
    player, rng, now = Player(), random.Random(3), 0
    for _ in range(60):
        place = rng.randrange(3000)
        for k in range(15):
            if isinstance(player.segment(place + k, now), Pace):
                break
        now += 5000
        player.meter.advance(now)
    player.meter.close(now)
    check(player)
    assert player.meter.posted == 302 * SECOND


def test_two_players_on_one_token_pay_for_nearly_all_that_they_get() -> None:
    player, now = Player(), 0
    places = [0, 1000]
    for _ in range(600):
        for i in (0, 1):
            if isinstance(player.segment(places[i], now), Serve):
                places[i] += 1
        now += 500
        player.meter.advance(now)
    player.meter.close(now)
    check(player)
    assert (player.meter.delivered, player.meter.posted) == (2400 * SECOND, 2280 * SECOND)


# --- a second implementation, over sets of whole seconds -----------------------------------------


class SecondsOracle:
    """The reference's rules said once more, as plainly and slowly as possible."""

    def __init__(self, rules: MeterRules, balance: int, per_second: int) -> None:
        self.rules, self.balance, self.per_second = rules, balance, per_second
        self.now = 0
        self.last_request = 0
        self.present = 0
        self.got: set[int] = set()
        self.queue: list[int] = []
        self.posted = self.forced = self.run_start = self.void_used = 0
        self.head: int | None = None
        self.new: list[int] = []
        self.known: set[int] = set()

    def advance(self, now: int) -> None:
        keepalive = self.rules.keepalive_ms // 1000
        self.present += sum(t < self.last_request + keepalive for t in range(self.now, now))
        self.now = now
        allowed = self.rules.startup_units // SECOND + self.present + self.forced
        while self.queue and self.posted < allowed:
            self.queue.pop(0)
            self.posted += 1

    def leave(self) -> None:
        self.release(self.queue)
        self.run_start = self.posted

    def release(self, left: list[int]) -> set[int]:
        """Returns what nobody paid for."""
        self.queue = [each for each in self.queue if each not in left]
        forced = max(0, len(left) - self.rules.void_units_max // SECOND + self.void_used)
        self.posted += forced
        self.forced += forced
        self.void_used += len(left) - forced
        self.got -= set(left[forced:])
        return set(left[forced:])

    def arrived(self) -> None:
        self.void_used -= len(self.known & set(self.new))
        self.known -= set(self.new)

    def broke_off(self) -> None:
        """What was asked for last, after most of it had come: in each place by itself."""
        for _, run in itertools.groupby(enumerate(self.new), lambda each: each[1] - each[0]):
            self.known |= self.release([second for _, second in run])

    def request(self, lo: int, hi: int, now: int) -> type[Decision]:
        self.advance(now)
        self.last_request = now
        new = sorted(set(range(lo, hi)) - self.got)
        if not new:
            return Duplicate
        if self.head is not None and not -6 <= lo - self.head <= 1:
            self.leave()
            self.head = lo
            new = sorted(set(range(lo, hi)) - self.got)
        lead = min(self.rules.lead_max_units // SECOND, 6 + self.posted - self.run_start)
        if self.queue and len(self.queue) + len(new) > lead:
            return Pace
        if self.balance < (self.posted + len(self.queue) + len(new)) * self.per_second:
            return ShortOfFunds
        self.got |= set(new)
        self.queue += new
        self.new = new
        self.head = hi if self.head is None else max(self.head, hi)
        return Serve


_steps = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 2, 5, 30]),  # seconds that pass
        st.sampled_from(["on", "on", "on", "jump", "broken", "advance"]),
        st.integers(0, 300),
        st.integers(1, 7),
    ),
    max_size=80,
)


@settings(max_examples=300, deadline=None)
@given(_steps, st.sampled_from([40, 200, 10**6]), st.sampled_from([10, 120]))
def test_random_traces_end_as_the_oracle_says(
    steps: list[tuple[int, str, int, int]], balance: int, void_s: int
) -> None:
    rules = replace(RULES, void_units_max=void_s * SECOND, void_window_ms=10**9)
    rules = replace(rules, repeat_units_max=10**12)  # see test_repeats
    player = Player(Price("XLM", 1, 1), balance, rules)
    oracle = SecondsOracle(rules, balance, 1)
    now = place = 0
    for passing, what, jump, length in steps:
        now += passing
        if what == "advance":
            player.meter.advance(now * 1000)
            oracle.advance(now)
        else:
            place = jump if what == "jump" else place
            expected = oracle.request(place, place + length, now)
            take = player.leave if what == "broken" else player.get
            assert type(take(place, place + length, now * 1000)) is expected
            if expected is Serve:
                (oracle.broke_off if what == "broken" else oracle.arrived)()
            if expected in (Serve, Duplicate):
                place += length
        assert player.budget.used == oracle.void_used * SECOND
        assert player.meter.posted == oracle.posted * SECOND
        assert player.meter.forced == oracle.forced * SECOND
        check(player)
    player.meter.close(now * 1000)
    oracle.advance(now)
    oracle.leave()
    assert player.meter.posted == oracle.posted * SECOND


# --- invariants with bodies in flight ------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_random_histories_keep_the_invariants(data: st.DataObject) -> None:
    price = Price(
        "XLM", data.draw(st.integers(0, 10**8)), data.draw(st.sampled_from([1, 60, 3600]))
    )
    player = Player(price, data.draw(st.integers(0, 3_000_000)))
    under_way: list[int] = []
    ticks = now = 0
    for _ in range(data.draw(st.integers(1, 40))):
        now += data.draw(st.sampled_from([0, 1, 400, 3000, 40_000]))
        step = data.draw(st.sampled_from(["send", "send", "send", "done", "abort", "wait", "save"]))
        if step == "send":
            lo = data.draw(st.integers(0, 60 * SECOND))
            ticket, decision = player.send(
                lo / SECOND, (lo + data.draw(st.integers(1, 6 * SECOND))) / SECOND, now
            )
            if isinstance(decision, Serve | Duplicate):
                under_way.append(ticket)
        elif step in ("done", "abort") and under_way:
            ticket = under_way.pop(data.draw(st.integers(0, len(under_way) - 1)))
            taken = data.draw(st.sampled_from([0, 249, 250, 999]))
            player.meter.finish(ticket, complete=step == "done", now=now, taken=taken)
        elif step == "wait":
            player.meter.advance(now)
        elif step == "save":
            state = read_state(player.meter.text())
            assert state == player.meter.snapshot()
            player.meter = Meter.restore(Terms.of(price), RULES, player.budget, state, now)
            under_way.clear()
        check(player)
        assert player.meter.totals.ticks >= ticks  # I3
        ticks = player.meter.totals.ticks
    player.meter.close(now)
    check(player)
    assert player.meter.held == 0
    assert player.meter.drawn == player.meter.amount


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4000)), max_size=60))
def test_what_is_charged_is_bounded_by_the_clock_and_by_what_was_delivered(
    requests: list[tuple[int, int]],
) -> None:
    rules = replace(RULES, void_units_max=10**12)
    player, now = Player(rules=rules), 0
    for place, passing in requests:
        now += passing
        player.segment(place, now)
    player.meter.close(now)
    assert player.meter.posted <= 2 * SECOND + now * 90
    assert player.meter.posted <= sum(hi - lo for lo, hi in player.meter.covered())


# --- one rule at a time --------------------------------------------------------------------------


@pytest.mark.parametrize("taken", [0, RULES.taken_permille_min - 1])
def test_a_body_that_breaks_off_early_is_never_billed_and_leaves_the_void_budget_alone(
    taken: int,
) -> None:
    player = Player()
    ticket, decision = player.send(0, 2, now=0)
    assert (decision, player.meter.held) == (Serve(), PRICE.cost(0, 2))
    player.meter.advance(10_000)
    assert player.meter.posted == 0
    player.meter.finish(ticket, complete=False, now=10_000, taken=taken)
    player.meter.advance(20_000)
    assert (player.meter.posted, player.meter.held, player.budget.used) == (0, 0, 0)
    assert isinstance(player.get(0, 2, 20_000), Serve)


@pytest.mark.parametrize("others", [0, 1])
def test_who_always_leaves_at_the_last_byte_has_the_void_budget_for_nothing(others: int) -> None:
    """Also with a second body under way, which is given up at once when the first is read."""
    player, now = Player(), 0
    for i in range(40):
        asked = [player.send(6 * i, 6 * i + 6, now) for _ in range(1 + others)]
        for (ticket, decision), taken in zip(asked, [999, 0][: len(asked)], strict=True):
            assert isinstance(decision, Serve | Duplicate)
            player.meter.finish(ticket, complete=False, now=now, taken=taken)
        check(player)
        now += 6000
    assert player.budget.used == 120 * SECOND
    assert player.meter.posted == (240 - 120) * SECOND
    assert player.get(234, 240, now) == Duplicate()  # what was charged is theirs


def test_who_ends_each_session_while_the_last_body_is_under_way_has_the_budget_for_nothing() -> (
    None
):
    player, posted = Player(), 0
    for _ in range(40):
        player.send(0, 6, now=0)
        player.meter.close(0)
        check(player)
        posted += player.meter.posted
        player.meter = Meter(Terms.of(PRICE), RULES, player.budget, now=0)
    assert posted == (240 - 120) * SECOND


def test_what_arrives_whole_after_it_was_left_gives_the_budget_back_within_its_hour() -> None:
    player = Player()
    for now in (0, 100):
        assert player.leave(0, 6, now) == Serve()
    player.get(0, 4, 200)
    assert player.budget.used == (12 - 4) * SECOND  # once
    assert player.leave(10, 16, 300) == Serve()
    later = 300 + RULES.void_window_ms
    used = player.budget.used
    player.get(4, 6, later)
    player.get(10, 16, later)
    assert player.budget.used >= used  # what was left in another hour stays so
    check(player)


def test_what_is_given_back_is_a_repetition_of_which_there_are_so_many() -> None:
    """Of two who share a session, one always leaves before the other one's body arrives."""
    player = Player(rules=replace(RULES, repeat_units_max=5 * SECOND))
    for i in range(3):
        player.leave(2 * i, 2 * i + 2, 0)
        player.segment(i, 0)
    assert player.budget.used == 2 * SECOND
    check(player)


def test_better_pictures_that_break_off_cost_budget_and_then_what_they_cost() -> None:
    terms = Terms.of(Tariff(PRICE, rungs=(RungPrice(720, Price("XLM", 1, 1)),)))
    budget = VoidBudget(6 * SECOND, RULES.void_window_ms)
    meter = Meter(terms, RULES, budget, now=0)
    meter.request(1, 0, 6 * SECOND, 0, RICH, 360)
    meter.finish(1, complete=True, now=0)
    for ticket, used, seconds in ((2, 6, 0), (3, 6, 2)):
        meter.request(ticket, 0, 6 * SECOND, 0, RICH, 1080)
        meter.finish(ticket, complete=False, now=0, taken=999)
        assert (budget.used, meter.rung_seconds) == (used * SECOND, (seconds,))
    assert meter.held == meter.terms.cost(6, (6,)) - meter.amount


def test_better_pictures_of_which_little_came_cost_nothing_beside_sound_that_was_left() -> None:
    """Found by histories of any order."""
    terms = Terms.of(Tariff(PRICE, rungs=(RungPrice(720, Price("XLM", 1, 1)),)))
    meter = Meter(terms, RULES, VoidBudget(0, 1), now=0)
    for ticket, height in ((1, 0), (2, 1080)):
        meter.request(ticket, 0, 2 * SECOND, 0, RICH, height)
    for ticket, taken in ((1, 999), (2, 0)):
        meter.finish(ticket, complete=False, now=0, taken=taken)
    assert (meter.posted, meter.rung_seconds) == (2 * SECOND, (0,))


def test_one_complete_body_of_several_is_enough() -> None:
    player = Player()
    video, served = player.send(0, 2, now=0)
    audio, shared = player.send(0, 2, now=0)
    assert (type(served), type(shared)) == (Serve, Duplicate)
    player.meter.finish(video, complete=False, now=100)
    assert player.meter.pending == 2 * SECOND
    player.meter.finish(audio, complete=True, now=200)
    player.meter.advance(200)
    assert player.meter.posted == 2 * SECOND


def test_a_body_that_fails_after_another_was_complete_takes_nothing_back() -> None:
    player = Player()
    first, _ = player.send(0, 2, now=0)
    second, _ = player.send(0, 2, now=0)
    player.meter.finish(first, complete=True, now=0)
    player.meter.finish(second, complete=False, now=0)
    player.meter.advance(0)
    assert player.meter.posted == 2 * SECOND


def test_bodies_that_overlap_in_part_are_kept_apart_where_they_differ() -> None:
    player = Player()
    first, _ = player.send(0, 4, now=0)
    second, decision = player.send(2, 5, now=0)
    assert (decision, player.meter.held) == (Serve(), PRICE.cost(0, 5))
    player.meter.finish(first, complete=False, now=0)
    assert player.meter.covered() == [(2 * SECOND, 5 * SECOND)]
    player.meter.finish(second, complete=True, now=0)
    player.meter.advance(60_000)
    assert player.meter.posted == 3 * SECOND


def test_parts_and_then_their_whole_segment_are_charged_once() -> None:
    player = Player()
    for i in range(10):
        assert isinstance(player.get(i / 5, (i + 1) / 5, now=0), Serve)
    assert player.get(0, 2, now=0) == Duplicate()
    assert player.meter.delivered == 2 * SECOND


def test_delivered_media_is_posted_past_a_body_that_never_ends() -> None:
    player = Player()
    player.send(0, 2, now=0)
    player.get(2, 4, now=0)
    player.meter.advance(0)
    assert player.meter.posted == 2 * SECOND


def test_a_body_that_arrives_after_the_viewer_jumped_away_counts_as_left() -> None:
    player = Player()
    ticket, _ = player.send(0, 4, now=0)
    player.get(100, 102, now=0)
    player.meter.finish(ticket, complete=True, now=0)
    assert (player.meter.voided, player.budget.used) == (4 * SECOND, 4 * SECOND)
    assert isinstance(player.get(0, 2, now=60_000), Serve)


def test_beyond_the_void_budget_a_late_body_is_charged() -> None:
    player = Player(rules=replace(RULES, void_units_max=SECOND))
    ticket, _ = player.send(0, 4, now=0)
    player.get(100, 102, now=0)
    player.meter.finish(ticket, complete=True, now=0)
    assert player.meter.forced == 3 * SECOND
    check(player)


def test_a_viewer_who_jumps_back_takes_a_body_in_flight_up_again() -> None:
    player = Player()
    ticket, _ = player.send(0, 4, now=0)
    player.get(100, 102, now=0)
    again, decision = player.send(0, 4, now=0)
    assert decision == Duplicate()
    player.meter.finish(ticket, complete=True, now=0)
    player.meter.finish(again, complete=True, now=0)
    assert player.meter.voided == 0


def test_bodies_in_flight_at_the_end_are_left_like_those_that_have_arrived() -> None:
    player = Player()
    ticket, _ = player.send(0, 4, now=0)
    player.meter.close(5000)
    assert (player.meter.amount, player.meter.held) == (0, 0)
    assert player.budget.used == 4 * SECOND
    player.meter.finish(ticket, complete=True, now=6000)
    assert player.meter.delivered == player.meter.voided == 4 * SECOND


def test_the_budget_is_shared_by_all_sessions_of_a_viewer() -> None:
    one = Player(rules=replace(RULES, void_units_max=5 * SECOND))
    two = Player(rules=one.rules)
    two.meter = Meter(Terms.of(PRICE), one.rules, one.budget, now=0)
    for player in (one, two):
        player.get(0, 5, now=0)
        player.meter.close(0)
    assert (one.meter.posted, two.meter.posted) == (2 * SECOND, 3 * SECOND)


def test_a_paused_viewer_is_present_for_the_keepalive_only() -> None:
    player = Player()
    for i in range(3):
        player.segment(i, 0)
    for now in range(0, 60_000, 1000):
        player.meter.advance(now)
    assert player.meter.presence_ms == RULES.keepalive_ms


def test_a_clock_that_stands_still_or_is_asked_for_the_past_charges_nothing() -> None:
    player = Player()
    player.get(0, 6, now=5000)
    player.meter.advance(5000)
    posted = player.meter.posted
    player.meter.advance(1000)
    player.meter.advance(5000)
    assert player.meter.posted == posted


def test_a_paced_request_is_let_through_after_the_time_it_was_told() -> None:
    player, now = Player(), 0
    decisions: list[Decision] = []
    for i in range(40):
        while isinstance(decision := player.segment(i, now), Pace):
            decisions.append(decision)
            now += decision.wait_ms
    assert len(decisions) <= 40
    assert player.meter.pending <= RULES.lead_max_units


def test_a_segment_longer_than_the_lead_is_let_through_when_nothing_is_pending() -> None:
    player = Player()
    assert isinstance(player.get(0, 30, now=0), Serve)
    assert isinstance(player.get(30, 60, now=0), Pace)
    player.meter.advance(18_000)
    assert isinstance(player.get(30, 60, now=30_000), Pace)
    assert isinstance(player.get(30, 60, now=48_000), Serve)


def test_too_little_money_is_told_with_what_was_needed() -> None:
    player = Player(Price("XLM", 10, 1), balance=25)
    assert player.get(0, 2, now=0) == Serve()
    assert player.get(2, 4, now=0) == ShortOfFunds(player.meter.terms.tariff.price.cost(2, 4))
    assert player.meter.held + player.meter.amount == 20


def test_sound_that_follows_a_segment_behind_the_pictures_is_no_jump_at_each_step() -> None:
    """As hls.js asks after a seek, whose position lies in different segments of the two."""
    player = Player()
    for i in range(3):
        player.segment(i, 0)
    voided = player.meter.voided
    player.segment(30, 0)
    assert player.meter.voided > voided
    voided = player.meter.voided
    for i in range(29, 40):
        now = 2000 * (i - 28)
        assert isinstance(player.segment(i, now), Serve | Duplicate)
        assert isinstance(player.segment(i + 2, now), Serve)
    assert player.meter.voided == voided


def test_what_a_jump_released_is_held_again_when_the_jump_ends_in_it() -> None:
    player = Player()
    player.get(155, 161, now=0)
    player.get(151, 158, now=0)
    check(player)
    assert player.meter.covered() == [(151 * SECOND, 158 * SECOND)]
    assert player.meter.posted + player.meter.pending == 7 * SECOND


def test_what_a_jump_released_pays_for_what_follows() -> None:
    player = Player(Price("XLM", 10, 1), balance=40)
    player.get(0, 4, now=0)
    assert isinstance(player.get(100, 102, now=0), Serve)


def test_a_free_session_is_metered_all_the_same() -> None:
    player = Player(Price("XLM", 0, 1), balance=0)
    player.get(0, 6, now=0)
    player.meter.advance(3000)
    assert (player.meter.posted, player.meter.amount) == (5 * SECOND, 0)


def test_too_many_bodies_under_way_are_paced() -> None:
    player = Player(rules=replace(RULES, repeat_units_max=10**9))
    for _ in range(METER_REQUESTS_MAX):
        assert isinstance(player.send(0, 2, now=0)[1], Serve | Duplicate)
    assert isinstance(player.send(0, 2, now=0)[1], Pace)


def test_a_session_in_too_many_places_has_to_end() -> None:
    player = Player(rules=replace(RULES, void_units_max=0))
    decisions = [player.get(i * 50, i * 50 + 1, now=i) for i in range(METER_INTERVALS_MAX + 1)]
    assert {type(decision) for decision in decisions[:-1]} == {Serve}
    assert decisions[-1] == Fragmented()


@pytest.mark.parametrize(("lo", "hi"), [(-1, 5), (5, 5), (6, 5), (0, METER_INTERVAL_UNITS_MAX + 1)])
def test_what_is_no_segment_is_refused(lo: int, hi: int) -> None:
    with pytest.raises(BadInterval):
        Player().meter.request(1, lo, hi, 0, RICH)


def test_what_is_written_of_better_pictures_reads_back_as_it_was() -> None:
    rungs = (RungPrice(720, Price("XLM", 1, 1)), RungPrice(1080, Price("XLM", 2, 1)))
    terms = Terms.of(Tariff(PRICE, rungs=rungs))
    meter = Meter(terms, RULES, VoidBudget(0, 1), now=0)
    for ticket, height in enumerate((1080, 720, 0)):
        meter.request(ticket, 2 * ticket * SECOND, 2 * (ticket + 1) * SECOND, 0, RICH, height)
        meter.finish(ticket, complete=height != 720, now=0)
    state = read_state(meter.text())
    assert state == meter.snapshot()
    assert [ready for _, ready in state.rungs] == [[(0, 2 * SECOND)]] * 2


@pytest.mark.parametrize(("budget_s", "charged"), [(2, 0), (0, 2)])
def test_better_pictures_under_way_at_the_end_hold_nothing_any_more(
    budget_s: int, charged: int
) -> None:
    """Also those of media that was charged before (simulated history 532785581748)."""
    terms = Terms.of(Tariff(PRICE, rungs=(RungPrice(720, Price("XLM", 1, 1)),)))
    meter = Meter(terms, RULES, VoidBudget(budget_s * SECOND, 1), now=0)
    meter.request(1, 0, 2 * SECOND, 0, RICH, 360)
    meter.finish(1, complete=True, now=0)
    meter.advance(0)
    assert meter.posted == 2 * SECOND
    meter.request(2, 0, 2 * SECOND, 0, RICH, 720)
    assert meter.held == 2
    meter.close(0)
    assert (meter.held, meter.rung_seconds) == (0, (charged,))


def test_a_restored_meter_goes_on_where_it_was_and_charges_nothing_twice() -> None:
    player = Player()
    for i in range(3):
        player.segment(i, 0)
    player.send(6, 8, now=3000)
    state = read_state(player.meter.text())
    restored = Meter.restore(Terms.of(PRICE), RULES, player.budget, state, now=9_000_000)
    assert restored.posted == player.meter.posted == 5 * SECOND
    assert restored.pending == SECOND
    restored.advance(9_100_000)
    assert restored.posted == 5 * SECOND
    assert restored.request(99, 4 * SECOND, 6 * SECOND, 9_100_000, RICH) == Duplicate()
    restored.advance(9_105_000)
    assert restored.amount == PRICE.cost(0, 6)


def test_what_is_missing_something_by_our_fault_is_sent_for_nothing_and_stays_so() -> None:
    player = Player()
    player.get(0, 3, 0)
    ticket, _ = player.send(3, 4, 0)
    player.meter.waive(2 * SECOND, 4 * SECOND, 0)  # also what was on its way in other pictures
    player.meter.finish(ticket, complete=True, now=0)
    player.meter.waive(4 * SECOND, 5 * SECOND, 0)
    assert isinstance(player.get(2, 5, 0), Duplicate)
    assert isinstance(player.get(5, 7, 0), Serve)
    assert player.meter.waived == 3 * SECOND
    assert player.meter.held == player.meter.terms.cost(4) - player.meter.amount
    check(player)
    player.meter.advance(20_000)
    assert player.meter.posted == 4 * SECOND
    restored = Meter.restore(
        player.meter.terms, RULES, player.budget, player.meter.snapshot(), 20_000
    )
    assert restored.waived == 3 * SECOND
    restored.close(60_000)
    assert restored.amount == player.meter.terms.cost(4)


def test_what_was_charged_before_it_was_known_to_be_bad_stays_charged() -> None:
    player = Player()
    player.segment(0, 0)
    player.meter.waive(0, 3 * SECOND, 0)
    assert player.meter.waived == SECOND
    assert player.meter.posted == 2 * SECOND
    check(player)
