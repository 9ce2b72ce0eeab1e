"""Receipts: what one closed session cost, and for what, as a document that anybody can check.

It says which media was watched, what each run of seconds cost under which tariff, and what came
back; `receipt_chain` protects it, and the server signs it. What it was settled with is not known
when it is signed: that is added to each copy that is handed out, with a signature of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from config.limits import RECEIPT_RUNS_MAX
from metering.money import Stroops
from metering.receipts.chain import FORMAT, chain, settlement_bytes, signed_bytes
from metering.receipts.text import Value, write
from metering.terms import Terms

Sign = Callable[[bytes], str]
"""Signs a message; 128 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class TickRun:
    """Seconds [first, last) of a session and what they cost.

    Attributes:
        terms: under which of the session's terms, counted from 0, they were charged.
        rungs: how many seconds were watched at or above each rung when the run ended.
        posts: the numbers of the first and the last transfer `{session}:{number}:post` that charged
            them; None when they cost nothing.
    """

    terms: int
    first: int
    last: int
    amount: Stroops
    rungs: tuple[int, ...] = ()
    posts: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that came back to the viewer: the transfer's id, and why."""

    transfer: str
    cause: str
    amount: Stroops


@dataclass(frozen=True, slots=True)
class ClosedSession:
    """All that a receipt says about a session.

    Attributes:
        terms: under which it was charged, in the order in which they took over.
        intervals: the media that was charged or waived, in units of 1/90000 s, from left to right
            and apart from each other.
        waived: how many units of it cost nothing, because something was missing in them.
    """

    id: str
    viewer: str
    content: str
    payee: str
    opened_at: datetime
    closed_at: datetime
    terms: tuple[Terms, ...]
    intervals: tuple[tuple[int, int], ...]
    runs: tuple[TickRun, ...]
    refunds: tuple[Refund, ...] = ()
    waived: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """The payout that carried what a payee earned with a session: how far it is, and the hash of
    its transaction when there is one.
    """

    payee: str
    payout: str
    state: str
    transaction: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as it is kept: its signed document, without what it was settled with."""

    session_id: str
    viewer: str
    hash: str
    previous: str | None
    document: Mapping[str, Value]


def make_receipt(session: ClosedSession, previous: str | None, key: str, sign: Sign) -> Receipt:
    """The receipt of a session.

    Args:
        session: what happened.
        previous: the hash of the receipt that the same viewer got before; None for the first.
        key: the public key of `sign`, in base 64 (URL).
        sign: with the server's key.
    """
    document = _document(session, previous, key)
    links = chain(document)
    signature = sign(signed_bytes(links[-1]))
    whole = {**document, "chain": links, "signature": signature, "settlement": None}
    return Receipt(session.id, session.viewer, links[-1], previous, whole)


def receipt_text(receipt: Receipt, settled: Sequence[Settled], as_of: datetime, sign: Sign) -> str:
    """The file that is handed out at `as_of`, with what is known of the settlement by then."""
    if not settled:
        return write(receipt.document)
    known: dict[str, Value] = {
        "asOf": moment(as_of),
        "payouts": [
            {
                "payee": each.payee,
                "payout": each.payout,
                "state": each.state,
                "transaction": each.transaction,
            }
            for each in settled
        ],
    }
    known["signature"] = sign(settlement_bytes(receipt.hash, known))
    return write({**receipt.document, "settlement": known})


def moment(time: datetime) -> str:
    """RFC 3339 in UTC, with milliseconds: such texts sort as the times do."""
    text = time.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def joined(runs: Sequence[TickRun], limit: int = RECEIPT_RUNS_MAX) -> list[TickRun]:
    """The same in at most about `limit` runs: neighbours under the same terms become one. A day of
    television has a run for each of its segments.
    """
    size = -(-len(runs) // limit) if runs else 1
    found: list[TickRun] = []
    joined_of_last = 0
    for run in runs:
        if found and found[-1].terms == run.terms and joined_of_last < size:
            found[-1] = _join(found[-1], run)
            joined_of_last += 1
        else:
            found.append(run)
            joined_of_last = 1
    return found


def _join(left: TickRun, right: TickRun) -> TickRun:
    known = [posts for posts in (left.posts, right.posts) if posts is not None]
    return TickRun(
        terms=left.terms,
        first=left.first,
        last=right.last,
        amount=Stroops(left.amount + right.amount),
        rungs=right.rungs,
        posts=(known[0][0], known[-1][1]) if known else None,
    )


def _document(session: ClosedSession, previous: str | None, key: str) -> dict[str, Value]:
    charged = sum(run.amount for run in session.runs)
    refunded = sum(refund.amount for refund in session.refunds)
    return {
        "format": FORMAT,
        "session": session.id,
        "viewer": session.viewer,
        "content": session.content,
        "payee": session.payee,
        "asset": session.terms[0].tariff.asset,
        "openedAt": moment(session.opened_at),
        "closedAt": moment(session.closed_at),
        "previous": previous,
        "key": key,
        "tariffs": [_tariff(terms) for terms in session.terms],
        "intervals": [{"lo": lo, "hi": hi} for lo, hi in session.intervals],
        "ticks": [_tick(run) for run in joined(session.runs)],
        "refunds": [
            {"transfer": each.transfer, "cause": each.cause, "amount": str(each.amount)}
            for each in session.refunds
        ],
        "totals": {
            "seconds": session.runs[-1].last if session.runs else 0,
            "waived": session.waived,
            "charged": str(charged),
            "refunded": str(refunded),
            "paid": str(charged - refunded),
        },
    }


def _tariff(terms: Terms) -> dict[str, Value]:
    return {
        "epoch": terms.tariff.id,
        "since": terms.seconds,
        "rungs": list(terms.rungs),
        "tariff": terms.tariff.to_document(),
    }


def _tick(run: TickRun) -> dict[str, Value]:
    return {
        "tariff": run.terms,
        "first": run.first,
        "last": run.last,
        "rungs": list(run.rungs),
        "amount": str(run.amount),
        "posts": [] if run.posts is None else list(run.posts),
    }
