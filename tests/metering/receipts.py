"""Receipts of sessions that never were, for tests of whatever reads them."""

import random
from datetime import UTC, datetime, timedelta

from api.receipt_key import ReceiptKey
from metering.money import Stroops
from metering.receipts.receipt import ClosedSession, Receipt, Refund, Settled, TickRun, make_receipt
from metering.receipts.receipt import receipt_text as text_of
from metering.rules import UNITS_PER_SECOND
from metering.tariff import Price, RungPrice, Tariff
from metering.terms import Terms

KEY = ReceiptKey(bytes(range(32)))
OPENED = datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC)


def random_tariff(draw: random.Random) -> Tariff:
    rungs = sorted(draw.sample([480, 720, 1080, 2160], draw.randrange(3)))
    return Tariff(
        price=Price("XLM", draw.choice([0, 333, 5_000_000, 10**12]), draw.choice([1, 60, 3600])),
        view_stroops=draw.choice([0, 0, 1_000_000]),
        free_seconds=draw.choice([0, 0, 5]),
        session_cap=draw.choice([None, None, 40_000]),
        rungs=tuple(RungPrice(each, Price("XLM", draw.randrange(1, 999), 60)) for each in rungs),
    )


def charged(tariff: Tariff, draw: random.Random, count: int) -> tuple[TickRun, ...]:
    """Runs of seconds as a meter charges them; what is in a rung grows with them."""
    runs: list[TickRun] = []
    seconds, rungs, cost = 0, (0,) * len(tariff.rungs), 0
    for number in range(1, count + 1):
        first, seconds = seconds, seconds + draw.randrange(1, 5)
        rungs = tuple(min(seconds, each + draw.randrange(4)) for each in rungs)
        after = tariff.cost(seconds, rungs)
        posts = None if after == cost else (number, number)
        runs.append(TickRun(0, first, seconds, Stroops(after - cost), rungs, posts))
        cost = after
    return tuple(runs)


def places(seconds: int, draw: random.Random) -> tuple[tuple[int, int], ...]:
    """So many seconds of media, in up to three places."""
    parts = sorted(draw.sample(range(seconds + 1), min(2, seconds)))
    lengths = [b - a for a, b in zip([0, *parts], [*parts, seconds], strict=True) if b > a]
    at, found = 0, []
    for length in lengths:
        at += draw.randrange(1, 9) * UNITS_PER_SECOND
        found.append((at, at + length * UNITS_PER_SECOND))
        at += length * UNITS_PER_SECOND
    return tuple(found)


def random_session(draw: random.Random, name: str = "1", runs: int | None = None) -> ClosedSession:
    tariff = random_tariff(draw)
    ticks = charged(tariff, draw, draw.randrange(7) if runs is None else runs)
    refunds = (Refund(f"ses_{name}:refund:0", "refund", Stroops(7)),) if draw.random() < 0.3 else ()
    if sum(run.amount for run in ticks) < 7:
        refunds = ()
    waived = draw.choice([0, 0, 45_000])
    watched = places(ticks[-1].last if ticks else 0, draw)
    end = watched[-1][1] + 90_000 if watched else 0
    return ClosedSession(
        id=f"ses_{name}",
        viewer="acc_viewer",
        content="ast_1",
        payee="acc_creator",
        opened_at=OPENED,
        closed_at=OPENED + timedelta(minutes=int(name) if name.isdigit() else 1),
        terms=(Terms(tariff),),
        intervals=(*watched, (end, end + waived)) if waived else watched,
        runs=ticks,
        refunds=refunds,
        waived=waived,
    )


def receipt_of(session: ClosedSession, previous: str | None = None) -> Receipt:
    return make_receipt(session, previous, KEY.name, KEY.sign)


def file_of(receipt: Receipt, *settled: Settled) -> bytes:
    return text_of(receipt, settled, OPENED + timedelta(days=1), KEY.sign).encode()


def random_file(draw: random.Random) -> bytes:
    """A receipt's file, of any kind that there is."""
    previous = draw.choice([None, "ab" * 32])
    receipt = receipt_of(random_session(draw), previous)
    settled = Settled("acc_creator", "pay_1", "applied", "cd" * 32)
    return file_of(receipt, *([settled] if draw.random() < 0.5 else []))
