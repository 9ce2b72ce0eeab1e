"""How values look in our JSON: amounts as decimal strings, times as RFC 3339 in UTC."""

from datetime import UTC, datetime

from metering.money import Stroops, format_amount
from metering.tariff import Price


def timestamp(moment: datetime) -> str:
    """RFC 3339 with milliseconds, e.g. `2026-11-21T03:04:05.678Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def price_json(price: Price) -> dict[str, str | int]:
    """A price as integers (exact) and as what a second and an hour cost (rounded down)."""
    return {
        "stroops": str(price.stroops),
        "seconds": price.seconds,
        "asset": price.asset,
        "perSecond": format_amount(Stroops(price.stroops // price.seconds)),
        "perHour": format_amount(Stroops(price.stroops * 3600 // price.seconds)),
    }
