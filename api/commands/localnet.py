"""`tollcast localnet`: a local Stellar network alone."""

from collections.abc import Sequence

from api.commands.command import Command, OwnFlags


def _work(arguments: Sequence[str]) -> int:
    from metering.localnet.__main__ import main

    return main([*arguments])


COMMAND = Command("localnet", "run a local Stellar network alone", OwnFlags(_work))
