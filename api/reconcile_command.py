"""`tollcast reconcile`: whether chain and books agree, as a terminal shows it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from api.command_database import command_database
from api.remote import CommandFailed
from config.limits import DATABASE_STATEMENT_MS_MAX
from config.settings import Settings
from metering.funding.deposit import network_name
from metering.ledger.ledger_postgres import PostgresLedger
from metering.reconciliation.reconciliation_postgres import PostgresReconciliation
from metering.reconciliation.report import AGREE, OVER
from metering.settlement.guard_postgres import PostgresNetworkBook

Document = Mapping[str, Any]


async def read_report(settings: Settings, day: date | None) -> str:
    """A day's report, or the latest, whether the server runs or not.

    Raises:
        CommandFailed: there is none, or no database.
    """
    async with command_database(settings, DATABASE_STATEMENT_MS_MAX) as database:
        if await database.fetchval("SELECT to_regclass('reconciliation_report')") is None:
            raise CommandFailed(
                "this database has no reports yet: start this version's server once"
            )
        known = await PostgresNetworkBook(database).known()
        network = "" if known is None else network_name(known.passphrase)
        ledger = PostgresLedger(database)
        report = await PostgresReconciliation(database, ledger, network).report(day)
    if report is None:
        raise CommandFailed("chain and books were not compared then")
    return report.document


def agrees(report: str) -> bool:
    """Whether nothing differs in a report that payouts would wait for."""
    return _seen(report).agrees


def booking_text(booked: Mapping[str, str]) -> str:
    """What was booked for an accepted difference, for a terminal."""
    return f"booked {booked['amount']} {booked['asset']} from {booked['from']} to {booked['to']}"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is shown of a report, of this version or of one before they were signed."""

    over: bool
    agrees: bool
    payments: int
    settlements: int
    balances_at: int | None
    balances: Sequence[Document]
    key: str | None


def _seen(report: str) -> _Seen:
    document = json.loads(report)
    if "signature" not in document:
        return _seen_unsigned(document)
    return _Seen(
        over=document["state"] == OVER,
        agrees=document["verdict"] == AGREE,
        payments=document["payments"]["count"],
        settlements=document["settlements"]["count"],
        balances_at=document["balancesAt"],
        balances=document["balances"],
        key=document["key"],
    )


def _seen_unsigned(document: Document) -> _Seen:
    balances = document["balances"] or {"ledger": None, "accounts": []}
    return _Seen(
        over=document["final"],
        agrees=document["agrees"],
        payments=document["chain"]["movements"],
        settlements=document["outbox"]["settlements"],
        balances_at=balances["ledger"],
        balances=balances["accounts"],
        key=None,
    )


def report_text(report: str) -> str:
    """For a terminal."""
    document, seen = json.loads(report), _seen(report)
    ledgers, counts = document["ledgers"], document["counts"]
    state = "over" if seen.over else "still running"
    lines = [
        f"{document['date']} ({state}) on {document['network']}",
        f"Ledgers {ledgers['after'] + 1} to {ledgers['until']}:"
        f" {seen.payments} payments, {seen.settlements} settlements",
        *_balances(seen),
        f"Signed with {seen.key}" if seen.key else "Not signed: an older version made this report",
        "",
    ]
    for difference in document["differences"]:
        lines += _difference(difference)
    lines += map(_loss, document.get("channelLosses", ()))
    if seen.agrees:
        lines.append("Chain, journal and outbox agree.")
    else:
        total = sum(counts.values()) - counts["late"] - counts["suspense"]
        lines.append(f"THEY DIFFER: {total}. Payouts wait until this is over, or accepted:")
        lines.append("  tollcast reconcile --accept KEY")
    return "\n".join(lines)


def _balances(seen: _Seen) -> Sequence[str]:
    if seen.balances_at is None:
        return []
    held = [f"  {each['held']:>24}  {each['account']}" for each in seen.balances]
    return [f"Balances as of ledger {seen.balances_at}:", *held]


def _loss(loss: Document) -> str:
    written = loss["writtenOffAt"]
    state = f"written off {written}: {loss['reason']}" if written else "not written off"
    return f"{loss['lost']} {loss['asset']} lost by payment channel {loss['channel']}; {state}"


def _difference(difference: Document) -> Sequence[str]:
    amounts = ", ".join(
        f"{name} {difference[field]}"
        for name, field in (("on the chain", "onChain"), ("in our books", "inLedger"))
        if difference.get(field) is not None
    )
    where = [
        f"      {name} {difference[name]}"
        for name in ("transaction", "memo", "fee", "settlement", "payment", "source", "destination")
        if difference.get(name)
    ]
    return [
        f"{difference['kind']:<18} {difference['key']}",
        f"      {difference['detail']}",
        f"      ledger {difference['ledger']}; {amounts or 'no amounts'}",
        *where,
        "",
    ]
