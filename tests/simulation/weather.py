"""What goes wrong in a history, and how often: drawn once from its seed.

Every kind of fault is off in about half of the histories. Rare combinations would be drowned in
frequent ones otherwise, and what a fault would uncover is hidden where another ends the history.
"""

from dataclasses import dataclass
from enum import Enum, auto
from random import Random

# Of statements and requests: never, rarely, often.
_LEVELS = (0.0, 0.0, 0.01, 0.04)


class Fate(Enum):
    """What becomes of one statement or request."""

    WELL = auto()
    LATE = auto()  # done, after some seconds
    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()
    CRASH_AMID = auto()  # the process dies, the statement is done later
    LOST_BEFORE = auto()  # no answer, and not done
    LOST_AFTER = auto()  # no answer, but done
    OVERTAKEN = auto()  # no answer, and done some seconds later


@dataclass(frozen=True, slots=True)
class Weather:
    """Probabilities per statement, request or second, and which of the rarer things happen."""

    crash: float = 0.0
    lost: float = 0.0
    late: float = 0.0
    outage: float = 0.0  # per second: the database is away for some
    node_lost: float = 0.0  # per request to the chain
    node_late: float = 0.0  # per ledger: a transaction is left for the next
    node_behind: float = 0.0  # per look: the node knows older ledgers only
    surge: float = 0.0  # per ledger: fees rise beyond what we bid
    twice: float = 0.0  # per request of a player: it arrives twice
    aborted: float = 0.0  # per body: the viewer's socket does not take all of it
    jumps: float = 0.0  # per second: the wall clock moves by up to an hour
    meters: int = 1
    twins: float = 0.0  # per second: a server is started while it still runs
    prices: float = 0.0  # per second: a creator asks for another price
    withdrawals: bool = False
    closing_accounts: bool = False  # a creator's account disappears from the chain for a while

    def fate(self, chance: Random) -> Fate:
        """Of one statement."""
        draw = chance.random()
        if draw < self.crash:
            return chance.choice((Fate.CRASH_BEFORE, Fate.CRASH_AFTER, Fate.CRASH_AMID))
        draw -= self.crash
        if draw < self.lost:
            return chance.choice((Fate.LOST_BEFORE, Fate.LOST_AFTER, Fate.OVERTAKEN))
        return Fate.LATE if draw - self.lost < self.late else Fate.WELL

    def node_fate(self, chance: Random) -> Fate:
        """Of one request to the chain."""
        draw = chance.random()
        if draw < self.crash:
            return chance.choice((Fate.CRASH_BEFORE, Fate.CRASH_AFTER, Fate.CRASH_AMID))
        if draw - self.crash < self.node_lost:
            return chance.choice((Fate.LOST_BEFORE, Fate.LOST_AFTER, Fate.OVERTAKEN))
        return Fate.WELL


CALM = Weather()


def forecast(chance: Random) -> Weather:
    """The weather of one history."""
    if chance.random() < 0.1:
        return CALM
    level = _LEVELS
    return Weather(
        crash=chance.choice((0.0, 0.0, 0.003, 0.02)),
        lost=chance.choice(level),
        late=chance.choice(level),
        outage=chance.choice((0.0, 0.0, 0.0, 0.02)),
        node_lost=chance.choice((0.0, 0.1, 0.4)),
        node_late=chance.choice((0.0, 0.3, 0.8)),
        node_behind=chance.choice((0.0, 0.0, 0.3)),
        surge=chance.choice((0.0, 0.0, 0.3)),
        twice=chance.choice((0.0, 0.0, 0.1)),
        aborted=chance.choice((0.0, 0.0, 0.1)),
        jumps=chance.choice((0.0, 0.0, 0.1)),
        meters=chance.choice((1, 1, 1, 2)),
        twins=chance.choice((0.0, 0.0, 0.0, 0.03)),
        prices=chance.choice((0.0, 0.0, 0.0, 0.1)),
        withdrawals=chance.random() < 0.25,
        closing_accounts=chance.random() < 0.05,
    )
