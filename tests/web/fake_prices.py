"""Amounts and prices as the fake server tells them, and prices as it is told of."""

from typing import Any

STROOPS = 10_000_000
PRICE_STROOPS = 5_000_000
PRICE_SECONDS = 3600

_SECONDS_OF = {"second": 1, "minute": 60, "hour": 3600, "view": 1}


class Unbillable(Exception):
    """Better pictures cannot cost more where keys are billed."""


def amount(stroops: int) -> str:
    return f"{stroops // STROOPS}.{stroops % STROOPS:07d}"


def price(
    stroops: int = PRICE_STROOPS, seconds: int = PRICE_SECONDS, **other: Any
) -> dict[str, Any]:
    return {
        **_for_time(stroops, seconds),
        "asset": "XLM",
        "epoch": f"epc_{stroops}",
        "perView": amount(0),
        "freeSeconds": 0,
        "sessionCap": None,
        "dayCap": None,
        "rungs": [],
        **other,
    }


def price_of(asked: dict[str, Any], delivery: str) -> dict[str, Any]:
    """What a request makes of a price.

    Raises:
        Unbillable: it has rungs, and delivery is by keys.
    """
    rungs = asked.get("rungs", [])
    if rungs and delivery != "direct":
        raise Unbillable("price.rungs: better pictures cannot cost more where keys are billed")
    is_view = asked["per"] == "view"
    caps = {name: amount(asked[name]) for name in ("sessionCap", "dayCap") if name in asked}
    return price(
        0 if is_view else asked["stroops"],
        _SECONDS_OF[asked["per"]],
        perView=amount(asked["stroops"] if is_view else asked.get("viewStroops", 0)),
        freeSeconds=asked.get("freeSeconds", 0),
        rungs=[
            {"heightMin": rung["heightMin"], **_for_time(rung["stroops"], _SECONDS_OF[rung["per"]])}
            for rung in rungs
        ],
        **caps,
    )


def _for_time(stroops: int, seconds: int) -> dict[str, Any]:
    return {
        "stroops": str(stroops),
        "seconds": seconds,
        "perSecond": amount(stroops // seconds),
        "perHour": amount(stroops * 3600 // seconds),
    }
