"""`tollcast reconcile`: whether chain and books agree."""

import argparse
import asyncio
from datetime import date

from api.commands.command import Command, WithSettings, failed
from config.settings import Settings

_ABOUT = """Show whether chain, journal and outbox agree, on a day or at present. Ends with 1
when they differ, with 2 when there is nothing to show. While they differ nothing is paid. What was
looked into and is known can be accepted: a payment that the books lack is booked then, from whoever
got it."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--date", type=date.fromisoformat, help="2026-11-30; the latest day")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    parser.add_argument(
        "--accept", metavar="KEY", action="append", default=[], help="a difference that is known"
    )


def _work(known: argparse.Namespace, settings: Settings) -> int:
    from api import reconcile_command
    from api.remote import CommandFailed, accept_difference
    from config import logs

    logs.set_up("warning", "text")
    try:
        for key in known.accept:
            for booked in asyncio.run(accept_difference(settings, key)):
                print(reconcile_command.booking_text(booked))
        report = asyncio.run(reconcile_command.read_report(settings, known.date))
    except CommandFailed as error:
        return failed(error, 2)
    # As it was signed, to the byte: it ends with its own line's end.
    print(report.rstrip("\n") if known.json else reconcile_command.report_text(report))
    return 0 if reconcile_command.agrees(report) else 1


COMMAND = Command(
    "reconcile",
    "tell whether chain and books agree",
    WithSettings(_work),
    _arguments,
    _ABOUT,
    "Settings are flags too: --data_directory, --database.url.",
)
