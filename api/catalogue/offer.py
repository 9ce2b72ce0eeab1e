"""Offers as sources and assets are kept with them: the price in columns, the rest as JSON."""

import json
from typing import Any

from api.errors import invalid
from ingest.source import Source
from media.delivery import Delivery
from metering.offer import Offer
from metering.tariff import Price

_PRICE = {"asset", "price"}


def write_more(offer: Offer) -> str:
    """All of an offer but its price for time, as JSON; `{}` when there is nothing else."""
    document = offer.to_document()
    plain = Offer.of(offer.price).to_document()
    more = {key: document[key] for key in document if key not in _PRICE}
    return json.dumps({key: value for key, value in more.items() if value != plain[key]})


def read_offer(asset: str, stroops: int, seconds: int, more: str) -> Offer:
    """An offer of its price and what `write_more` wrote.

    Raises:
        BadPrice, json.JSONDecodeError: somebody else wrote that.
    """
    plain: dict[str, Any] = Offer.of(Price(asset, stroops, seconds)).to_document()
    return Offer.from_document({**plain, **json.loads(more)})


def offer_of_source(source: Source) -> Offer:
    """What a source's next asset is offered for."""
    return read_offer(
        source.price_asset, source.price_stroops, source.price_seconds, source.price_more
    )


def billable(offer: Offer, delivery: Delivery) -> Offer:
    """An offer that content can be billed by which viewers get in this way.

    Raises:
        Problem: 400: one key opens all qualities, so better pictures cannot cost more.
    """
    if offer.tariff.rungs and delivery is not Delivery.DIRECT:
        raise invalid(
            "price.rungs: better pictures cannot cost more where keys are billed, since one key "
            f"opens all qualities; delivery is {delivery.value!r}"
        )
    return offer
