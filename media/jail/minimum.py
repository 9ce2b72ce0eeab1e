"""How a worker enters the jail: as deep as its command line asks for, or not at all."""

from collections.abc import Sequence

from media.jail.confine import confine
from media.jail.level import Confinement, Level

_OPTION = "--jail-minimum="


def minimum_option(level: int) -> str:
    """The argument that tells a worker how deep it has to be locked in."""
    return f"{_OPTION}{level}"


def enter_jail(confinement: Confinement, arguments: Sequence[str]) -> None:
    """Lock this worker in, or end it when that cannot be done as well as its arguments ask for.

    Args:
        arguments: of the command line; without `--jail-minimum=N` any level will do.

    Raises:
        SystemExit: with a sentence for standard error.
    """
    asked = [Level(int(one.removeprefix(_OPTION))) for one in arguments if one.startswith(_OPTION)]
    minimum = max(asked, default=Level.NONE)
    reached = confine(confinement)
    if reached < minimum:
        raise SystemExit(
            f"this worker's jail has level {reached}, and at least {minimum} is asked for; "
            "`tollcast doctor` says what lacks"
        )
