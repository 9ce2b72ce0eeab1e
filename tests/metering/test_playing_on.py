"""Who plays on is kept as numbers; nobody can tell it from what is kept of all others."""

from hypothesis import given
from hypothesis import strategies as st

from metering.meter import Meter
from metering.meter_state import MeterState
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import read_state
from metering.tariff import Price
from metering.terms import Terms
from metering.void_budget import VoidBudget

RULES = MeterRules()
SEGMENT = 2 * UNITS_PER_SECOND

# What comes next: the segments to go forward or back by before asking, how the body ends, and how
# much time passes.
_steps = st.lists(
    st.tuples(
        st.sampled_from([0] * 8 + [-1, 3, 60]),
        st.sampled_from(["complete"] * 6 + ["broken", "left", "under way"]),
        st.sampled_from([0, 500, 1_000, 2_000, 2_000, 9_000]),
    ),
    max_size=40,
)


def meter() -> Meter:
    budget = VoidBudget(RULES.void_units_max, RULES.void_window_ms, 0, 0)
    return Meter(Terms.of(Price("XLM", 7, 3)), RULES, budget, 0)


def state_of(one: Meter) -> MeterState:
    """As it is written, with what is ready in pieces as long as possible."""
    state = read_state(one.text())
    pieces: list[tuple[int, int, int]] = []
    for lo, hi, in_flight in state.pending:
        goes_on = pieces and not in_flight and pieces[-1][1:] == (lo, 0)
        pieces.append((pieces.pop()[0] if goes_on else lo, hi, in_flight))
    return state._replace(pending=pieces)


@given(_steps)
def test_a_meter_that_is_looked_into_all_the_time_does_the_same(
    steps: list[tuple[int, str, int]],
) -> None:
    one, looked_into = meter(), meter()
    now = at = 0
    for ticket, (jump, end, passing) in enumerate(steps, start=1):
        at = max(0, at + jump * SEGMENT)
        decisions = []
        for each in (one, looked_into):
            decisions.append(each.request(ticket, at, at + SEGMENT, now, 10**6))
            looked_into.covered()
            if end != "under way":
                taken = 0 if end == "broken" else 1_000
                each.finish(ticket, complete=end == "complete", now=now, taken=taken)
            looked_into.covered()
        at += SEGMENT
        now += passing
        for each in (one, looked_into):
            each.advance(now)
        assert decisions[0] == decisions[1]
        assert state_of(one) == state_of(looked_into)
        assert one.totals == looked_into.totals
        assert one.in_flight == looked_into.in_flight
        assert one.covers(at, at + 1) == looked_into.covers(at, at + 1)
        if ticket % 7 == 0:
            assert one.covered() == looked_into.covered()
    for each in (one, looked_into):
        each.close(now)
    assert one.totals == looked_into.totals
    assert state_of(one) == state_of(looked_into)


def test_what_is_ready_and_what_is_sent_are_written_apart() -> None:
    """The first segment is charged at once, and there is no time to watch the others."""
    one, texts = meter(), []
    for number in range(3):
        one.request(number + 1, number * SEGMENT, (number + 1) * SEGMENT, 0, 10**6)
        texts.append(read_state(one.text()).pending)
        one.finish(number + 1, complete=True, now=0)
    texts.append(read_state(one.text()).pending)
    assert texts == [
        [(0, SEGMENT, 1)],
        [(SEGMENT, 2 * SEGMENT, 1)],
        [(SEGMENT, 2 * SEGMENT, 0), (2 * SEGMENT, 3 * SEGMENT, 1)],
        [(SEGMENT, 3 * SEGMENT, 0)],
    ]
