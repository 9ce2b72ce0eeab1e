"""What requests may say of a price, and how documents say it back."""

from typing import Any

import pytest
from pydantic import ValidationError

from api.catalogue.offer import billable, read_offer, write_more
from api.errors import Problem
from api.price_input import PriceInput
from api.wire import offer_json
from media.delivery import Delivery
from metering.offer import Offer
from metering.tariff import Price, RungPrice, Tariff

ISSUER = "GADQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOZPI"
RICH: dict[str, Any] = {
    "stroops": 60,
    "per": "minute",
    "asset": f"USDC:{ISSUER}",
    "viewStroops": 500,
    "freeSeconds": 10,
    "sessionCap": 10_000_000,
    "dayCap": 20_000_000,
    "rungs": [
        {"heightMin": 720, "stroops": 2, "per": "second"},
        {"heightMin": 1080, "stroops": 36, "seconds": 36},
    ],
}


def offer(**price: Any) -> Offer:
    return PriceInput.model_validate(price).offer("XLM")


def test_a_price_may_be_per_anything_and_say_what_there_is_besides() -> None:
    assert offer(stroops=7, seconds=60) == Offer.of(Price("XLM", 7, 60))
    assert offer(stroops=7, per="second") == Offer.of(Price("XLM", 7, 1))
    assert offer(stroops=7, per="hour") == Offer.of(Price("XLM", 7, 3600))
    assert offer(stroops=7, per="view") == Offer.of(Tariff(Price("XLM", 0, 1), view_stroops=7))
    usdc = f"USDC:{ISSUER}"
    assert offer(**RICH) == Offer(
        Tariff(
            price=Price(usdc, 1, 1),
            view_stroops=500,
            free_seconds=10,
            session_cap=10_000_000,
            rungs=(RungPrice(720, Price(usdc, 2, 1)), RungPrice(1080, Price(usdc, 1, 1))),
        ),
        day_cap=20_000_000,
    )


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"seconds": 1}, "for how many seconds, or per what"),
        ({"per": None}, "for how many seconds, or per what"),
        ({"per": "view"}, "leave out viewStroops"),
        ({"stroops": 1.5}, "valid integer"),
        ({"stroops": -1}, "greater than or equal to 0"),
        ({"stroops": 10**12 + 1}, "less than or equal"),
        ({"asset": "USDC"}, "CODE:ISSUER"),
        ({"asset": f"USDC:{ISSUER[:-1]}J"}, "not an asset"),
        ({"sessionCap": 10**15 + 1}, "less than or equal"),
        ({"rungs": RICH["rungs"][::-1]}, "begin with the lowest"),
        ({"rungs": [{"heightMin": 720, "stroops": 2}]}, "for how many seconds, or per what"),
        ({"rungs": [{"heightMin": n, "stroops": 1, "seconds": 1} for n in range(1, 6)]}, "4 items"),
        ({"discount": 1}, "not permitted"),
    ],
)
def test_what_is_wrong_with_a_price_is_said(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        offer(**{**RICH, **wrong})


def test_an_offer_is_kept_in_columns_and_read_again() -> None:
    plain, rich = Offer.of(Price("XLM", 7, 60)), offer(**RICH)
    assert write_more(plain) == "{}"
    for each in (plain, rich):
        price = each.price
        assert read_offer(price.asset, price.stroops, price.seconds, write_more(each)) == each


def test_better_pictures_cannot_cost_more_where_keys_are_billed() -> None:
    rich = offer(**RICH)
    assert billable(rich, Delivery.DIRECT) is rich
    with pytest.raises(Problem) as refused:
        billable(rich, Delivery.KEYS)
    assert refused.value.status == 400
    assert "price.rungs" in refused.value.detail


def test_a_document_says_all_of_an_offer() -> None:
    rich = offer(**RICH)
    assert offer_json(rich) == {
        "stroops": "1",
        "seconds": 1,
        "asset": f"USDC:{ISSUER}",
        "perSecond": "0.0000001",
        "perHour": "0.0003600",
        "epoch": rich.tariff.id,
        "perView": "0.0000500",
        "freeSeconds": 10,
        "sessionCap": "1.0000000",
        "dayCap": "2.0000000",
        "rungs": [
            {
                "heightMin": 720,
                "stroops": "2",
                "seconds": 1,
                "perSecond": "0.0000002",
                "perHour": "0.0007200",
            },
            {
                "heightMin": 1080,
                "stroops": "1",
                "seconds": 1,
                "perSecond": "0.0000001",
                "perHour": "0.0003600",
            },
        ],
    }
    plain = offer_json(Tariff(Price("XLM", 1, 1)))
    assert (plain["sessionCap"], plain["dayCap"], plain["rungs"]) == (None, None, [])
