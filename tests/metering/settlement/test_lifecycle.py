"""The life of a settlement, transition by transition."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import SETTLEMENT_RESEND_MS
from metering.money import Stroops
from metering.settlement.lifecycle import (
    Action,
    Answer,
    Answered,
    Began,
    Bumped,
    Declined,
    NotBumped,
    Observation,
    Signed,
    Unreachable,
    bump_rate,
    step,
    together,
)
from metering.settlement.outbox import Payment, Settlement, SignedEnvelope, State
from metering.settlement.sending import Found, NotFound

NOW = 1_700_000_000_000
ENVELOPE = SignedEnvelope(
    xdr="AAAA", hash="ff", source="GHOT", sequence=8, max_time=2_000, fee=100, ledger=50
)
PLANNED = Settlement(
    id="set_1",
    asset="XLM",
    source="GHOT",
    fee_max=100,
    payments=(Payment("pay_1", "ana", "GANA", Stroops(5), "creator:ana:XLM"),),
    created_ms=NOW,
)
SIGNED = replace(PLANNED, state=State.SIGNED, signed=ENVELOPE)
SENT = replace(SIGNED, state=State.SENT, sent_ms=NOW)
APPLIED = Found(True, 60, 100, "tx_success", ("op_success",))
FAILED = Found(False, 60, 100, "tx_failed", ("op_no_trust",))
ALIVE = NotFound(latest_ledger=51, latest_close_time=1_999, oldest_ledger=1, source_sequence=7)
EXPIRED = replace(ALIVE, latest_close_time=2_001)
OVERTAKEN = replace(ALIVE, source_sequence=8)
FORGETFUL = replace(EXPIRED, oldest_ledger=51)
LATER = NOW + SETTLEMENT_RESEND_MS
# Two ledgers closed without it.
WAITING = replace(ALIVE, latest_ledger=52)
UNDERBID = replace(ALIVE, refusal="tx_insufficient_fee")
BID = replace(ENVELOPE, xdr="BBBB", hash="bb", fee=2_000, ledger=52)
BUMPED = replace(SENT, bumps=(BID,), sent_ms=NOW + 1)


def answered(answer: Answer) -> Answered:
    return Answered(answer, "detail")


@pytest.mark.parametrize(
    ("before", "observation", "state", "actions"),
    [
        (PLANNED, Began(), State.PLANNED, (Action.SIGN,)),
        (PLANNED, Unreachable(), State.PLANNED, (Action.REST,)),
        (PLANNED, Signed(ENVELOPE), State.SIGNED, (Action.SEND,)),
        (PLANNED, Declined("signer: too_late"), State.DEAD, ()),
        # A stored signature may have been sent before a crash: look first.
        (SIGNED, Began(), State.SIGNED, (Action.LOOK,)),
        (SIGNED, ALIVE, State.SIGNED, (Action.SEND,)),
        (SIGNED, Unreachable(), State.SIGNED, (Action.REST,)),
        (SIGNED, answered(Answer.ACCEPTED), State.SENT, (Action.REST,)),
        (SIGNED, answered(Answer.BUSY), State.SENT, (Action.REST,)),
        (SIGNED, answered(Answer.UNKNOWN), State.SENT, (Action.REST,)),
        (SIGNED, answered(Answer.REFUSED), State.SENT, (Action.CONFIRM,)),
        (SIGNED, APPLIED, State.APPLIED, ()),
        (SIGNED, FAILED, State.FAILED, ()),
        (SIGNED, EXPIRED, State.DEAD, ()),
        (SENT, Began(), State.SENT, (Action.LOOK,)),
        (SENT, ALIVE, State.SENT, (Action.REST,)),
        (SENT, replace(ALIVE, refusal="tx_bad_seq"), State.SENT, (Action.REST,)),
        (SENT, replace(EXPIRED, refusal="tx_too_late"), State.DEAD, ()),
        (SENT, OVERTAKEN, State.DEAD, ()),
        (SENT, replace(EXPIRED, latest_close_time=2_000), State.SENT, (Action.REST,)),
        (SENT, FORGETFUL, State.SENT, (Action.ALARM,)),
        (SENT, replace(OVERTAKEN, oldest_ledger=51), State.SENT, (Action.ALARM,)),
        # What no ledger takes gets a higher bid, if it was sent at all.
        (SENT, WAITING, State.SENT, (Action.BUMP,)),
        (SENT, replace(WAITING, refusal="tx_bad_seq"), State.SENT, (Action.REST,)),
        (SENT, UNDERBID, State.SENT, (Action.BUMP,)),
        (SIGNED, WAITING, State.SIGNED, (Action.SEND,)),
        (SENT, Bumped(BID), State.SENT, (Action.SEND,)),
        (SENT, NotBumped(), State.SENT, (Action.REST,)),
        (BUMPED, WAITING, State.SENT, (Action.REST,)),
        (BUMPED, replace(WAITING, latest_ledger=54), State.SENT, (Action.BUMP,)),
        (replace(BUMPED, bumps=(BID, BID)), UNDERBID, State.SENT, (Action.REST,)),
        (BUMPED, APPLIED, State.APPLIED, ()),
        (BUMPED, EXPIRED, State.DEAD, ()),
        (SENT, APPLIED, State.APPLIED, ()),
        (SENT, FAILED, State.FAILED, ()),
    ],
)
def test_each_observation_leads_on(
    before: Settlement, observation: Observation, state: State, actions: tuple[Action, ...]
) -> None:
    after, do = step(before, observation, NOW)
    assert (after.state, do) == (state, actions)


def test_the_same_envelope_is_sent_again_after_a_while_without_news() -> None:
    assert step(SENT, ALIVE, LATER - 1)[1] == (Action.REST,)
    assert step(SENT, ALIVE, LATER) == (SENT, (Action.SEND,))
    after, _ = step(SENT, answered(Answer.ACCEPTED), LATER)
    assert after == replace(SENT, sent_ms=LATER)


def test_a_refusal_followed_by_nothing_found_rests_even_when_sending_is_due() -> None:
    """Or sending and looking would chase each other within one pass."""
    assert step(SENT, replace(ALIVE, refusal="tx_bad_seq"), LATER)[1] == (Action.REST,)


def test_a_higher_bid_is_kept_beside_the_first_one() -> None:
    bid, _ = step(SENT, Bumped(BID), NOW)
    assert bid == BUMPED, "each step of a signed one is a moment later than the one before"
    assert (bid.signed, bid.latest, bid.reserve) == (ENVELOPE, BID, 2_000)
    assert step(SENT, NotBumped(), LATER)[1] == (Action.SEND,), "the old one, then"


@pytest.mark.parametrize(
    ("settlement", "p80", "rate"),
    [
        (SENT, 100, 1_000),
        (SENT, 1_001, 1_001),
        (SENT, 90_000, 5_000),
        # A bump counts as an operation more: 2,000 for two of them.
        (BUMPED, 100, None),
        (replace(BUMPED, bumps=(replace(BID, fee=1_000),)), 100, 5_000),
        (replace(SENT, signed=replace(ENVELOPE, fee=501)), 100, None),
    ],
)
def test_a_bid_is_ten_times_the_last_one_or_what_others_pay(
    settlement: Settlement, p80: int, rate: int | None
) -> None:
    assert bump_rate(settlement, p80) == rate


def test_of_several_hashes_nothing_is_known_that_is_not_known_of_each() -> None:
    """Goal: the sequence number proves nothing when a node that is behind did not find a bump."""
    first = replace(OVERTAKEN, latest_ledger=60, latest_close_time=1_990)
    ahead = NotFound(61, 2_005, 5, None)
    assert together([first]) == first
    assert together([first, ahead]) == replace(first, oldest_ledger=5)
    behind = NotFound(59, 1_985, 1, 9)
    assert together([first, behind]) == NotFound(59, 1_985, 1, None)
    assert step(SENT, together([first, ahead]), NOW)[0].state == State.DEAD
    assert step(SENT, together([first, behind]), NOW)[0].state == State.SENT


def test_the_outcome_tells_the_fee_and_why() -> None:
    after, _ = step(SENT, FAILED, NOW)
    assert after.outcome is not None
    assert (after.outcome.fee_charged, after.outcome.ledger) == (100, 60)
    assert after.outcome.operations == ("op_no_trust",)
    dead, _ = step(SENT, EXPIRED, NOW)
    assert dead.outcome is not None
    assert (dead.outcome.fee_charged, dead.outcome.code) == (0, "expired")
    overtaken, _ = step(SENT, OVERTAKEN, NOW)
    assert overtaken.outcome is not None
    assert overtaken.outcome.code == "sequence_used"


@pytest.mark.parametrize(
    ("before", "observation"),
    [
        (PLANNED, answered(Answer.ACCEPTED)),
        (PLANNED, APPLIED),
        (PLANNED, EXPIRED),
        (SIGNED, Signed(ENVELOPE)),
        (SIGNED, Declined("too late")),
        (SENT, Signed(ENVELOPE)),
        (replace(SENT, state=State.APPLIED), Began()),
        (replace(SENT, state=State.DEAD), APPLIED),
        (replace(SENT, state=State.FAILED), Began()),
    ],
)
def test_what_cannot_be_observed_is_a_programming_error(
    before: Settlement, observation: Observation
) -> None:
    with pytest.raises(AssertionError):
        step(before, observation, NOW)


looks = st.builds(
    NotFound,
    latest_ledger=st.integers(1, 100),
    latest_close_time=st.integers(1_990, 2_010),
    oldest_ledger=st.integers(40, 60),
    source_sequence=st.none() | st.integers(5, 10),
    refusal=st.none() | st.just("tx_bad_seq"),
)


@given(looks)
def test_nothing_is_dead_that_the_chain_could_still_apply_or_the_node_forgot(
    look: NotFound,
) -> None:
    if step(SENT, look, NOW)[0].state == State.DEAD:
        assert look.oldest_ledger <= ENVELOPE.ledger
        sequence = look.source_sequence
        assert look.latest_close_time > 2_000 or (sequence is not None and sequence >= 8)


observations = st.one_of(
    st.just(Began()),
    st.just(Unreachable()),
    st.builds(Answered, st.sampled_from(Answer)),
    looks,
    st.sampled_from([APPLIED, FAILED]),
)


@given(st.lists(st.tuples(observations, st.integers(0, 60_000)), max_size=30))
def test_a_signed_envelope_never_changes_and_an_end_is_final(
    history: list[tuple[Observation, int]],
) -> None:
    settlement, now = SIGNED, NOW
    for observation, pause in history:
        now += pause
        settlement, actions = step(settlement, observation, now)
        assert settlement.signed == ENVELOPE
        assert (settlement.outcome is not None) == settlement.state.final
        if settlement.state.final:
            assert actions == ()
            return
        assert len(actions) == 1
        assert Action.SIGN not in actions
