"""`tollcast version`."""

import argparse

from api.commands.command import Alone, Command
from api.version import version


def _work(_known: argparse.Namespace) -> int:
    print(f"tollcast {version()}")
    return 0


COMMAND = Command("version", "print the version", Alone(_work))
