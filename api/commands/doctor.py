"""`tollcast doctor`: what this machine has and lacks."""

import argparse
import asyncio

from api.commands.command import Command, WithSettings
from config.settings import Settings

_ABOUT = """Look at what a server needs: Python, FFmpeg, the jail for hostile media, disk and
database. Ends with 1 when a server for the public would not start here."""


def _work(_known: argparse.Namespace, settings: Settings) -> int:
    from api.doctor import examine, findings_text, is_fit

    findings = asyncio.run(examine(settings))
    print(findings_text(findings))
    return 0 if is_fit(findings) else 1


COMMAND = Command(
    "doctor",
    "tell what this machine has and lacks",
    WithSettings(_work),
    description=_ABOUT,
)
