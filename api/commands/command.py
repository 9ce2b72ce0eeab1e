"""What a command is to the command line; what it does is imported when it runs."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings

type Commands = argparse._SubParsersAction[argparse.ArgumentParser]


@dataclass(frozen=True, slots=True)
class WithSettings:
    """Works with the settings in force, each of which is a flag of it too."""

    work: Callable[[argparse.Namespace, Settings], int]


@dataclass(frozen=True, slots=True)
class Alone:
    """Needs no settings, and takes no flags but its own."""

    work: Callable[[argparse.Namespace], int]


@dataclass(frozen=True, slots=True)
class OwnFlags:
    """Reads everything behind its name itself, `--help` too."""

    work: Callable[[Sequence[str]], int]


@dataclass(frozen=True, slots=True)
class ByAction:
    """Another way for each `action` of it."""

    runs: Mapping[str, WithSettings | Alone]


type Run = WithSettings | Alone | OwnFlags | ByAction


def _nothing(_parser: argparse.ArgumentParser) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Command:
    """One of `tollcast`'s commands.

    Attributes:
        help: a line in the list of all commands.
        run: does it; returns the exit code (0 well, 1 failed, 2 wrong usage).
        arguments: adds its own.
    """

    name: str
    help: str
    run: Run
    arguments: Callable[[argparse.ArgumentParser], None] = _nothing
    description: str | None = None
    epilog: str | None = None

    def add_to(self, commands: Commands) -> None:
        parser = commands.add_parser(
            self.name,
            help=self.help,
            description=self.description,
            epilog=self.epilog,
            allow_abbrev=False,
            add_help=not isinstance(self.run, OwnFlags),
        )
        self.arguments(parser)
        if _takes_settings(self.run):
            parser.add_argument("--config", type=Path, help="a TOML file with settings")


def _takes_settings(run: Run) -> bool:
    runs = run.runs.values() if isinstance(run, ByAction) else (run,)
    return any(isinstance(each, WithSettings) for each in runs)


def failed(error: Exception | str, code: int = 1) -> int:
    """Say why it could not be done; returns the exit code."""
    print(f"tollcast: {error}", file=sys.stderr)
    return code
