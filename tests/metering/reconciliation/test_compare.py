"""Differences of each kind, each named; what is in order, and what is too early to judge."""

from dataclasses import replace

import pytest

from config.limits import RECONCILE_LATE_SECONDS, RECONCILE_MISSING_SECONDS
from metering.money import Stroops
from metering.reconciliation.compare import (
    compare,
    of_balances,
    of_entries,
    of_overdue,
    of_sequences,
    of_suspense,
)
from metering.reconciliation.difference import Difference, Kind, read_difference
from metering.reconciliation.evidence import (
    Books,
    Evidence,
    Line,
    Moment,
    Movement,
    Posted,
    Settled,
    Suspended,
    Taken,
)
from metering.settlement.chain import Snapshot
from metering.settlement.outbox import State

HOT, ANA, VIEWER = "GHOT", "GANA", "GVIEWER"
OURS = frozenset([HOT])
NOW = Moment(ledger=100, close_time=1_000_000)

IN = Movement("aa:0", 90, NOW.close_time - 5, "aa", VIEWER, HOT, "XLM", 7)
TAKEN = Taken("aa:0", 90, "XLM", 7, posted=7)
OUT = Movement("bb:1", 91, NOW.close_time - 5, "bb", HOT, ANA, "XLM", 9)
FIRST = Line("pay_0", VIEWER, 5, posted=5)
FIRST_OUT = replace(OUT, event="bb:0", destination=VIEWER, amount=5)
SETTLED = Settled(
    id="set_1",
    state=State.APPLIED,
    asset="XLM",
    source=HOT,
    hashes=frozenset(["bb", "bump"]),
    latest="bb",
    max_time=NOW.close_time + 60,
    ledger=91,
    lines=(FIRST, Line("pay_1", ANA, 9, posted=9)),
)
SOUND = Evidence(movements=(IN, FIRST_OUT, OUT), taken=(TAKEN,), settled=(SETTLED,))


def kinds(evidence: Evidence) -> dict[str, Kind]:
    return {each.key: each.kind for each in compare(evidence, OURS, NOW).differences}


def test_what_all_three_agree_about_is_no_difference() -> None:
    found = compare(SOUND, OURS, NOW)
    assert (found.differences, found.unbooked, found.again_from) == ((), (), None)


@pytest.mark.parametrize(
    ("evidence", "key", "kind"),
    [
        # The chain paid more often than the outbox: a database restored from an older copy.
        (replace(SOUND, settled=()), "event:bb:1", Kind.MISSING_IN_LEDGER),
        (
            replace(SOUND, settled=(replace(SETTLED, state=State.DEAD),)),
            "event:bb:1",
            Kind.MISSING_IN_LEDGER,
        ),
        (
            replace(SOUND, settled=(replace(SETTLED, lines=(FIRST,)),)),
            "event:bb:1",
            Kind.MISSING_IN_LEDGER,
        ),
        (
            replace(
                SOUND,
                settled=(replace(SETTLED, lines=(FIRST, Line("pay_1", ANA, 9, posted=None))),),
            ),
            "event:bb:1",
            Kind.MISSING_IN_LEDGER,
        ),
        (
            replace(SOUND, taken=(replace(TAKEN, posted=None),)),
            "event:aa:0",
            Kind.MISSING_IN_LEDGER,
        ),
        # Our books are ahead of the chain.
        (
            replace(SOUND, movements=(IN, FIRST_OUT)),
            "payment:pay_1",
            Kind.MISSING_ON_CHAIN,
        ),
        (replace(SOUND, movements=(FIRST_OUT, OUT)), "event:aa:0", Kind.MISSING_ON_CHAIN),
        # Amounts, addresses and assets.
        (replace(SOUND, taken=(replace(TAKEN, posted=8),)), "event:aa:0", Kind.AMOUNT),
        (
            replace(SOUND, movements=(IN, FIRST_OUT, replace(OUT, amount=10))),
            "event:bb:1",
            Kind.AMOUNT,
        ),
        (
            replace(SOUND, movements=(IN, FIRST_OUT, replace(OUT, destination="GELSE"))),
            "event:bb:1",
            Kind.AMOUNT,
        ),
        (
            replace(SOUND, movements=(IN, FIRST_OUT, replace(OUT, asset="USD:GISSUER"))),
            "event:bb:1",
            Kind.AMOUNT,
        ),
    ],
)
def test_each_planted_difference_is_found_and_named(
    evidence: Evidence, key: str, kind: Kind
) -> None:
    assert kinds(evidence)[key] == kind
    assert kind.stops_payouts


def test_what_came_in_is_waited_for_then_late_then_missing() -> None:
    for age, kind in (
        (RECONCILE_LATE_SECONDS - 1, None),
        (RECONCILE_LATE_SECONDS, Kind.LATE),
        (RECONCILE_MISSING_SECONDS, Kind.MISSING_IN_LEDGER),
    ):
        moved = replace(IN, closed_at=NOW.close_time - age)
        found = compare(Evidence(movements=(moved,)), OURS, NOW)
        assert [each.kind for each in found.differences] == ([] if kind is None else [kind])
        assert [each.amount for each in found.unbooked] == [7]
        assert found.again_from == (None if kind == Kind.MISSING_IN_LEDGER else 90)


def test_a_settlement_under_way_is_never_more_than_late() -> None:
    sent = replace(SETTLED, state=State.SENT, ledger=None)
    quick = Evidence(movements=(FIRST_OUT, OUT), settled=(sent,))
    assert compare(quick, OURS, NOW).again_from == 91
    assert kinds(quick) == {}
    old = replace(OUT, closed_at=NOW.close_time - 10 * RECONCILE_MISSING_SECONDS)
    assert kinds(replace(quick, movements=(old,))) == {"event:bb:1": Kind.LATE}
    overdue = replace(sent, max_time=NOW.close_time - RECONCILE_LATE_SECONDS - 1)
    [late] = of_overdue([sent, overdue], NOW)
    assert (late.kind, late.about) == (Kind.LATE, "set_1")
    assert not late.kind.stops_payouts


def test_a_bump_is_the_settlement_it_bumps() -> None:
    bumped = tuple(
        replace(each, transaction="bump", event=each.event.replace("bb", "bump"))
        for each in (FIRST_OUT, OUT)
    )
    assert kinds(replace(SOUND, movements=(IN, *bumped))) == {}


def test_claimable_balances_are_asked_for_where_no_feed_tells_them() -> None:
    claimable = replace(SETTLED, lines=(FIRST, Line("pay_1", ANA, 9, posted=9, alone=True)))
    silent = replace(SOUND, movements=(IN, FIRST_OUT), settled=(claimable,))
    assert kinds(silent) == {"payment:pay_1": Kind.MISSING_ON_CHAIN}
    assert kinds(replace(silent, settled=(replace(claimable, confirmed=True),))) == {}
    told = replace(OUT, destination="BBALANCE")
    assert kinds(replace(SOUND, movements=(IN, FIRST_OUT, told), settled=(claimable,))) == {}


def test_payment_channels_have_their_own_books() -> None:
    paid = replace(IN, event="cc:0", transaction="cc", source="CCONTRACT", closed_at=0)
    assert kinds(Evidence(movements=(paid,))) == {"event:cc:0": Kind.MISSING_IN_LEDGER}
    assert kinds(Evidence(movements=(paid,), contracts=frozenset(["CCONTRACT"]))) == {}
    assert kinds(Evidence(movements=(paid,), collected={"cc": True})) == {}
    assert kinds(Evidence(movements=(paid,), collected={"cc": False})) == {"event:cc:0": Kind.LATE}


def test_a_balance_is_explained_to_the_stroop() -> None:
    accounts = {(HOT, "XLM"): "chain:hot:XLM"}
    snapshot = Snapshot(95, {(HOT, "XLM"): Stroops(1000)}, {HOT: 7})
    # 40 of what was booked came later; of what came by then 3 were not booked.
    books = Books({"chain:hot:XLM": -1037}, {"chain:hot:XLM": -40}, {(HOT, "XLM"): 3})
    assert of_balances(snapshot, books, accounts) == []
    cheaper = replace(snapshot, held={(HOT, "XLM"): Stroops(900)})
    assert of_balances(cheaper, replace(books, fees={HOT: 100}), accounts) == []
    assert len(of_balances(cheaper, replace(books, fees={HOT: 99}), accounts)) == 1
    [short] = of_balances(replace(snapshot, held={}), books, accounts)
    assert (short.kind, short.on_chain, short.in_ledger) == (Kind.AMOUNT, 0, 1000)
    [over] = of_balances(snapshot, replace(books, unbooked={}), accounts)
    assert (over.on_chain, over.in_ledger, over.about) == (1000, 997, "chain:hot:XLM")


def test_sequence_numbers_that_nobody_used_here_betray_unknown_transactions() -> None:
    snapshot = Snapshot(95, {}, {HOT: 7, "GSENDER": 3, "GOTHER": 9})
    assert of_sequences(snapshot, {HOT: 7, "GSENDER": 5}) == []
    [unknown] = of_sequences(snapshot, {HOT: 6})
    assert of_sequences(replace(snapshot, sequences={HOT: 5 << 32}), {HOT: 0}) == [], "it is new"
    assert (unknown.kind, unknown.about) == (Kind.MISSING_IN_LEDGER, HOT)


def test_entries_and_suspense_are_named() -> None:
    [entry] = of_entries([Posted("planted", "chain:hot:XLM", "XLM", 5)], NOW)
    assert (entry.kind, entry.about) == (Kind.MISSING_ON_CHAIN, "planted")
    [waits] = of_suspense([Suspended("aa:0", 90, "aa", VIEWER, "XLM", 7, "no_number")])
    assert (waits.kind, waits.on_chain) == (Kind.SUSPENSE, 7)
    assert not waits.kind.stops_payouts


def test_a_difference_is_read_as_it_was_written() -> None:
    for difference in (
        *compare(replace(SOUND, settled=()), OURS, NOW).differences,
        Difference("k", Kind.AMOUNT, "a", "d", 1, on_chain=0),
    ):
        assert read_difference(difference.document()) == difference
