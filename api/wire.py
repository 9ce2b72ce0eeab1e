"""How values look in our JSON: amounts as decimal strings, times as RFC 3339 in UTC."""

from datetime import UTC, datetime

from metering.money import Stroops, format_amount
from metering.offer import Offer
from metering.tariff import Price, Tariff


def timestamp(moment: datetime) -> str:
    """RFC 3339 with milliseconds, e.g. `2026-11-21T03:04:05.678Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def offer_json(offered: Offer | Tariff) -> dict[str, object]:
    """What something costs, as integers (exact) and as what a second and an hour cost (rounded
    down). Caps are amounts, null where there are none.
    """
    offer = Offer.of(offered)
    tariff = offer.tariff
    return {
        **_price_json(tariff.price),
        "asset": tariff.asset,
        "epoch": tariff.id,
        "perView": format_amount(Stroops(tariff.view_stroops)),
        "freeSeconds": tariff.free_seconds,
        "sessionCap": _cap_json(tariff.session_cap),
        "dayCap": _cap_json(offer.day_cap),
        "rungs": [
            {"heightMin": rung.height_min, **_price_json(rung.price)} for rung in tariff.rungs
        ],
    }


def passes_json(offer: Offer) -> list[dict[str, object]]:
    """The passes that can be bought in place of paying by the second; all in one asset."""
    return [
        {
            "hours": each.hours,
            "stroops": str(each.stroops),
            "amount": format_amount(each.stroops),
            "asset": offer.tariff.asset,
        }
        for each in offer.passes
    ]


def _price_json(price: Price) -> dict[str, object]:
    return {
        "stroops": str(price.stroops),
        "seconds": price.seconds,
        "perSecond": format_amount(Stroops(price.stroops // price.seconds)),
        "perHour": format_amount(Stroops(price.stroops * 3600 // price.seconds)),
    }


def _cap_json(cap: int | None) -> str | None:
    return None if cap is None else format_amount(Stroops(cap))
