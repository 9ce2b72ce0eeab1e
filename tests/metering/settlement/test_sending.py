"""What every signed envelope lives through, whatever it is for."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import SETTLEMENT_RESEND_MS
from metering.settlement.outbox import Outcome, SignedEnvelope, State
from metering.settlement.sending import Found, NotFound, died, ended, is_due, looked, sent

NOW = 1_700_000_000_000
ENVELOPE = SignedEnvelope("AAAA", "ff", "GHOT", sequence=8, max_time=2_000, fee=100, ledger=50)


@dataclass(frozen=True, slots=True)
class Letter:
    """Something that is kept with its envelope."""

    text: str
    signed: SignedEnvelope = ENVELOPE
    state: State = State.SIGNED
    sent_ms: int | None = None
    outcome: Outcome | None = None


LETTER = Letter("dear chain")
ALIVE = NotFound(latest_ledger=51, latest_close_time=2_000, oldest_ledger=50, source_sequence=7)
EXPIRED = replace(ALIVE, latest_close_time=2_001)
OVERTAKEN = replace(ALIVE, source_sequence=8)
APPLIED = Found(True, 60, 90, "tx_success", ("op_success",))


def test_it_is_sent_again_after_a_while_and_each_time_is_told_from_the_one_before() -> None:
    assert is_due(LETTER, NOW)
    out = sent(LETTER, NOW)
    assert (out.state, out.sent_ms, out.text) == (State.SENT, NOW, LETTER.text)
    assert not is_due(out, NOW + SETTLEMENT_RESEND_MS - 1)
    assert is_due(out, NOW + SETTLEMENT_RESEND_MS)
    assert sent(out, NOW).sent_ms == NOW + 1
    assert sent(out, NOW - 60_000).sent_ms == NOW + 1


def test_what_is_found_has_ended_as_its_ledger_says() -> None:
    assert looked(LETTER, APPLIED) == ended(LETTER, APPLIED)
    assert ended(LETTER, APPLIED).outcome == Outcome(60, 90, "tx_success")
    failed = ended(LETTER, replace(APPLIED, successful=False), ("op_no_trust",))
    assert (failed.state, failed.outcome) == (
        State.FAILED,
        Outcome(60, 90, "tx_success", ("op_no_trust",)),
    )


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (EXPIRED, "expired"),
        (OVERTAKEN, "sequence_used"),
        (ALIVE, None),
        (replace(ALIVE, source_sequence=None), None),
    ],
)
def test_what_is_not_found_is_dead_when_no_ledger_can_take_it(
    seen: NotFound, code: str | None
) -> None:
    assert looked(LETTER, seen) == (LETTER if code is None else died(LETTER, code))
    # Nobody knows of what a node forgot; it is given up only where that can do no harm.
    forgotten = replace(seen, oldest_ledger=51)
    assert looked(LETTER, forgotten) == LETTER
    assert looked(LETTER, forgotten, even_if_forgotten=True) == looked(LETTER, seen)


looks = st.builds(
    NotFound, st.integers(1, 100), st.integers(1_990, 2_010), st.integers(40, 60), st.none()
)


@given(st.lists(st.tuples(looks, st.integers(0, 60_000)), max_size=20))
def test_whatever_is_seen_the_envelope_stays_the_same(
    history: list[tuple[NotFound, int]],
) -> None:
    letter, now = LETTER, NOW
    for seen, pause in history:
        now += pause
        letter = looked(letter, seen)
        assert letter.signed == ENVELOPE
        assert (letter.outcome is not None) == letter.state.final
        if letter.state.final:
            return
        letter = sent(letter, now) if is_due(letter, now) else letter
