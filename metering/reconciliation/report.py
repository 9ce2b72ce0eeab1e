"""A day's report as a JSON document."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from metering.money import format_amount
from metering.reconciliation.difference import Difference, Kind
from metering.reconciliation.store import Digests, Open
from metering.settlement.chain import Snapshot

_VERSION = 1


def ledgers_of(document: str) -> tuple[int, int]:
    """Which ledgers a report is about: those behind the first, up to and with the second."""
    ledgers = json.loads(document)["ledgers"]
    return ledgers["after"], ledgers["until"]


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


def report_text(
    header: Header,
    compared: Compared,
    snapshot: Snapshot | None,
    accounts: Mapping[tuple[str, str], str],
    differences: Sequence[tuple[Difference, datetime]],
) -> str:
    """The document as text.

    Args:
        header: which report it is.
        compared: what it is about.
        snapshot: the newest that could be compared with the books.
        accounts: the ledger's account for each address and asset.
        differences: with the time when each was found.
    """
    digests = compared.digests
    document = {
        "version": _VERSION,
        "network": header.network,
        "date": header.day.isoformat(),
        "final": header.final,
        "madeAt": header.at.isoformat(),
        "ledgers": {"after": compared.after, "until": compared.until},
        "chain": {"movements": digests.movements, "sha256": digests.chain},
        "outbox": {"settlements": digests.settlements, "sha256": digests.outbox},
        "journal": {"seal": digests.seal},
        "balances": _balances(snapshot, accounts),
        "agrees": not any(each.kind.stops_payouts for each, _ in differences),
        "counts": _counts(each for each, _ in differences),
        "differences": [_difference(each, at) for each, at in differences],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def merged(
    found: Mapping[str, Difference], known: Iterable[Open], at: datetime
) -> list[tuple[Difference, datetime]]:
    """Differences with the time when each was found first, the oldest first."""
    times = {each.difference.key: each.found_at for each in known}
    listed = [(each, times.get(key, at)) for key, each in found.items()]
    return sorted(listed, key=lambda pair: (pair[1], pair[0].key))


def _counts(differences: Iterable[Difference]) -> dict[str, int]:
    counted = Counter(each.kind for each in differences)
    return {kind.value: counted[kind] for kind in Kind}


def _balances(
    snapshot: Snapshot | None, accounts: Mapping[tuple[str, str], str]
) -> dict[str, object] | None:
    if snapshot is None:
        return None
    held = [
        {"address": place[0], "account": account, "held": format_amount(snapshot.held[place])}
        for place, account in accounts.items()
        if place in snapshot.held
    ]
    return {"ledger": snapshot.ledger, "accounts": held}


def _difference(difference: Difference, found_at: datetime) -> dict[str, object]:
    amounts = {
        name: format_amount(amount)
        for name, amount in (
            ("onChain", difference.on_chain),
            ("inLedger", difference.in_ledger),
        )
        if amount is not None
    }
    texts = {
        "asset": difference.asset,
        "transaction": difference.transaction,
        "source": difference.source,
        "destination": difference.destination,
    }
    return {
        "key": difference.key,
        "kind": difference.kind.value,
        "about": difference.about,
        "detail": difference.detail,
        "ledger": difference.ledger,
        **amounts,
        **{name: text for name, text in texts.items() if text},
        "foundAt": found_at.isoformat(),
    }
