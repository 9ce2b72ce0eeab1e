"""`tollcast replay SEED`: a history of the simulation, which is among the tests.

The program does not know its tests and is installed without them. In a checkout they lie beside it,
so they are looked for there, by name, when somebody asks for one.
"""

import importlib
import sys
from pathlib import Path

_CHECKOUT = Path(__file__).parents[1]
_SIMULATION = "tests.simulation.replay"


class NeedsCheckout(Exception):
    """The simulation is part of the source code and not of the installed program: run this in a
    checkout, as `./run tollcast replay SEED`.
    """


def replay(seed: int, checkout: Path = _CHECKOUT) -> int:
    """Print the history; 0 when every invariant held, else 1.

    Raises:
        NeedsCheckout: there is no simulation here.
    """
    if not checkout.joinpath(*_SIMULATION.split(".")).with_suffix(".py").is_file():
        raise NeedsCheckout(" ".join((NeedsCheckout.__doc__ or "").split()))
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    shown: int = importlib.import_module(_SIMULATION).main(seed)
    return shown
