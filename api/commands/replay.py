"""`tollcast replay`: one history of the simulation."""

import argparse

from api.commands.command import Alone, Command, failed

_ABOUT = """Show one history of the simulation, in which everything goes wrong that can: when, who,
what, and which money moved. The same seed makes the same one. Ends with 1 when an invariant was
broken. Needs a checkout of the source code."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("seed", type=int, metavar="SEED", help="any whole number")


def _work(known: argparse.Namespace) -> int:
    from api.replay import NeedsCheckout, replay

    try:
        return replay(known.seed)
    except NeedsCheckout as error:
        return failed(error)


COMMAND = Command("replay", "show a simulated history", Alone(_work), _arguments, _ABOUT)
