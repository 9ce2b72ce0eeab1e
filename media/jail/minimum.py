"""How a worker enters the jail: as deep as its command line asks for, or not at all."""

from collections.abc import Sequence

from media.jail.confine import confine
from media.jail.level import Confinement, minimum_of


def enter_jail(confinement: Confinement, arguments: Sequence[str]) -> None:
    """Lock this worker in, or end it when that cannot be done as well as its arguments ask for.

    Args:
        arguments: of the command line; without `--jail-minimum=N` any level will do.

    Raises:
        SystemExit: with a sentence for standard error.
    """
    minimum = minimum_of(arguments)
    reached = confine(confinement)
    if reached < minimum:
        raise SystemExit(
            f"this worker's jail has level {reached}, and at least {minimum} is asked for; "
            "`tollcast doctor` says what lacks"
        )
