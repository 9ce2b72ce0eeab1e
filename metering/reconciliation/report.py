"""A day's report: a document that the server signs, linked and written as receipts are.

Reports of older versions are kept as they were made: JSON without links and signature.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from config.limits import RECONCILE_LISTED_MAX
from metering.money import format_amount
from metering.receipts.chain import chain, signed_bytes
from metering.receipts.receipt import Sign, moment
from metering.receipts.text import Value, write
from metering.reconciliation.difference import Difference, Kind
from metering.reconciliation.store import Digests, Open
from metering.settlement.chain import Snapshot
from metering.vouchers.loss import Loss

FORMAT = "tollcast-report-1"

RUNNING, OVER = "running", "over"
AGREE, DIFFER = "agree", "differ"


def ledgers_of(document: str) -> tuple[int, int]:
    """Which ledgers a report is about: those behind the first, up to and with the second."""
    ledgers = json.loads(document)["ledgers"]
    return ledgers["after"], ledgers["until"]


@dataclass(frozen=True, slots=True)
class Signing:
    """The server's own key: its public half in base 64 (URL), and what signs with it."""

    key: str
    sign: Sign


@dataclass(frozen=True, slots=True)
class Compared:
    """What was compared: the ledgers behind `after`, up to and with `until`."""

    after: int
    until: int
    digests: Digests


@dataclass(frozen=True, slots=True)
class Header:
    """Which report it is.

    Args:
        network: its passphrase.
        day: the day, in UTC.
        final: whether it is over.
        at: when the report was made.
    """

    network: str
    day: date
    final: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """What a report tells besides: what accounts held, and what differs.

    Args:
        snapshot: the newest that could be compared with the books.
        accounts: the ledger's account for each address and asset.
        differences: with the time when each was found.
        losses: of payment channels, which are a claim still, or were written off on that day.
    """

    snapshot: Snapshot | None
    accounts: Mapping[tuple[str, str], str]
    differences: Sequence[tuple[Difference, datetime]]
    losses: Sequence[Loss] = ()


def report_text(header: Header, compared: Compared, listed: Listed, signing: Signing) -> str:
    """The document as text, of which no byte can be changed unnoticed.

    Of very many differences the first ones are listed, and all are counted.
    """
    document = _document(header, compared, listed, signing.key)
    links = chain(document)
    signature = signing.sign(signed_bytes(links[-1], FORMAT))
    return write({**document, "chain": links, "signature": signature})


def merged(
    found: Mapping[str, Difference], known: Iterable[Open], at: datetime
) -> list[tuple[Difference, datetime]]:
    """Differences with the time when each was found first, the oldest first."""
    times = {each.difference.key: each.found_at for each in known}
    listed = [(each, times.get(key, at)) for key, each in found.items()]
    return sorted(listed, key=lambda pair: (pair[1], pair[0].key))


def verdict(counts: Mapping[str, int]) -> str:
    """Whether anything was found that payouts wait for.

    Args:
        counts: how many there are of each kind.
    """
    serious = any(counts[kind.value] for kind in Kind if kind.stops_payouts)
    return DIFFER if serious else AGREE


def plain(text: str) -> str:
    """The text with a question mark for each character that signed documents do not have."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text)


def _document(header: Header, compared: Compared, listed: Listed, key: str) -> dict[str, Value]:
    digests, snapshot = compared.digests, listed.snapshot
    counts = _counts(each for each, _ in listed.differences)
    some = listed.differences[:RECONCILE_LISTED_MAX]
    return {
        "format": FORMAT,
        "network": plain(header.network),
        "date": header.day.isoformat(),
        "state": OVER if header.final else RUNNING,
        "madeAt": moment(header.at),
        "key": key,
        "ledgers": {"after": compared.after, "until": compared.until},
        "payments": {"count": digests.movements, "sha256": digests.chain},
        "settlements": {"count": digests.settlements, "sha256": digests.outbox},
        "journal": {"seal": digests.seal},
        "balancesAt": None if snapshot is None else snapshot.ledger,
        "balances": [] if snapshot is None else _balances(snapshot, listed.accounts),
        "verdict": verdict(counts),
        "counts": counts,
        "differences": [_difference(each, at) for each, at in some],
        "channelLosses": [_loss(each) for each in listed.losses],
    }


def _counts(differences: Iterable[Difference]) -> dict[str, int]:
    counted = Counter(each.kind for each in differences)
    return {kind.value: counted[kind] for kind in Kind}


def _balances(
    snapshot: Snapshot, accounts: Mapping[tuple[str, str], str]
) -> list[dict[str, Value]]:
    return [
        {"address": place[0], "account": account, "held": format_amount(snapshot.held[place])}
        for place, account in accounts.items()
        if place in snapshot.held
    ]


def _difference(difference: Difference, found_at: datetime) -> dict[str, Value]:
    return {
        "key": plain(difference.key),
        "kind": difference.kind.value,
        "about": plain(difference.about),
        "detail": plain(difference.detail),
        "ledger": difference.ledger,
        "asset": difference.asset or None,
        "onChain": _amount(difference.on_chain),
        "inLedger": _amount(difference.in_ledger),
        "transaction": difference.transaction or None,
        "source": difference.source or None,
        "destination": difference.destination or None,
        "memo": None if difference.seen is None else difference.seen.memo or None,
        "fee": None if difference.seen is None else format_amount(difference.seen.fee),
        "settlement": difference.settlement or None,
        "payment": difference.payment or None,
        "foundAt": moment(found_at),
    }


def _loss(loss: Loss) -> dict[str, Value]:
    written = loss.written_off
    return {
        "channel": loss.contract,
        "asset": loss.asset,
        "lost": format_amount(loss.amount),
        "writtenOffAt": None if written is None else moment(written.at),
        "reason": None if written is None else plain(written.reason),
    }


def _amount(amount: int | None) -> str | None:
    return None if amount is None else format_amount(amount)
