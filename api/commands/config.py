"""`tollcast config`: the settings in force."""

import argparse

from api.commands.command import Command, WithSettings
from config.settings import Settings


def _work(_known: argparse.Namespace, settings: Settings) -> int:
    print(settings.model_dump_json(indent=2))
    return 0


COMMAND = Command("config", "print the settings in force", WithSettings(_work))
