"""Under what conditions a history takes place, drawn once from its seed: media, money, viewers."""

from dataclasses import dataclass
from random import Random

from metering.leases.lease import LeaseTerms
from metering.money import Stroops
from metering.offer import Offer
from metering.outage import OutageRules
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.tariff import Price, RungPrice, Tariff

KINDS = (
    "plain",
    "seeking",
    "pausing",
    "prefetching",
    "switching",
    "parts",
    "sharing",
    "fetch and run",
)

# So short that leases run out and are taken over within a history.
_SHORT_LEASE = LeaseTerms(duration_ms=6_000, renew_ms=1_500, margin_ms=1_500, patience_ms=3_000)
# Prices from nothing over parts of a stroop to a lot.
_PRICES = ((0, 1), (1, 60), (7, 1), (333, 1), (1_000, 3), (5_000_000, 3_600), (2_000_000, 1))
_RUNGS = (
    RungPrice(720, Price("XLM", 100, 1)),
    RungPrice(1080, Price("XLM", 1_000, 7)),
)


@dataclass(frozen=True, slots=True)
class Conditions:
    """All boundaries of media are multiples of a `cell` of so many units. Payouts may apply for
    `envelope_s`, and are sent from so many `channels`, or from the hot account. Each viewer is a
    kind of player and seconds of media that it pays in for.
    """

    offer: Offer
    cell: int
    segment_cells: int
    part_cells: int
    rules: MeterRules
    lease: LeaseTerms
    outage: OutageRules
    settle_ms: int
    envelope_s: int
    treasury_low: Stroops
    viewers: tuple[tuple[str, int], ...]
    channels: int


def draw(chance: Random) -> Conditions:
    """The conditions of one history."""
    cell = chance.choice((9_000, 15_015, 18_000))
    return Conditions(
        offer=_draw_offer(chance),
        cell=cell,
        segment_cells=chance.randrange(2, 7) * UNITS_PER_SECOND // cell,
        part_cells=max(1, UNITS_PER_SECOND * 2 // 5 // cell),
        rules=MeterRules(
            void_units_max=chance.choice((10, 30, 120)) * UNITS_PER_SECOND,
            speed=chance.choice(((1, 1), (1, 1), (2, 1))),
            keepalive_ms=chance.choice((9_000, 18_000)),
        ),
        lease=chance.choice((LeaseTerms(), _SHORT_LEASE)),
        outage=OutageRules(chance.choice((0, 4, 30)), chance.choice((10**9, 1_000))),
        settle_ms=chance.choice((3_000, 10_000, 20_000)),
        # Two minutes, as of `SETTLEMENT_ENVELOPE_SECONDS`, or less, so that some payouts expire
        # while everything goes wrong.
        envelope_s=chance.choice((10, 20, 120)),
        treasury_low=Stroops(chance.choice((10**10, 99_990_000_000))),
        viewers=tuple(
            (chance.choice(KINDS), chance.choice((3, 20, 60)))
            for _ in range(chance.choice((1, 1, 1, 2, 2, 3)))
        ),
        channels=chance.choice((0, 0, 2)),
    )


def draw_price(chance: Random) -> Price:
    """A price for time."""
    return Price("XLM", *chance.choice(_PRICES))


def _draw_offer(chance: Random) -> Offer:
    """What the viewers are asked for: mostly a price for time and nothing else."""
    price = draw_price(chance)
    if chance.random() < 0.6:
        return Offer(Tariff(price))
    tariff = Tariff(
        price,
        view_stroops=chance.choice((0, 0, 500)),
        free_seconds=chance.choice((0, 0, 5)),
        session_cap=chance.choice((None, None, 3_000)),
        rungs=chance.choice(((), _RUNGS)),
    )
    return Offer(tariff, day_cap=chance.choice((None, None, 4_000)))
