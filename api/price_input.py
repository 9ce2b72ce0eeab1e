"""Prices and passes as requests write them: what content costs, in whole stroops."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from config.limits import (
    CAP_STROOPS_MAX,
    PASS_HOURS_MAX,
    PASS_OFFERS_MAX,
    PRICE_SECONDS_MAX,
    PRICE_STROOPS_MAX,
    RUNG_HEIGHT_MAX,
    RUNGS_MAX,
)
from metering.money import NATIVE, Stroops, checked_asset
from metering.offer import Offer, PassOffer
from metering.tariff import Price, RungPrice, Tariff

_SECONDS_OF = {"second": 1, "minute": 60, "hour": 3600}


def _stellar_asset(text: str) -> str:
    """XLM, or a code and its issuer: a code alone may be anybody's."""
    if text != NATIVE and ":" not in text:
        raise ValueError(f"an asset is {NATIVE}, or CODE:ISSUER")
    return checked_asset(text)


type _Stroops = Annotated[int, Field(ge=0, le=PRICE_STROOPS_MAX)]
type _Seconds = Annotated[int, Field(ge=1, le=PRICE_SECONDS_MAX)]
type _Cap = Annotated[int, Field(ge=0, le=CAP_STROOPS_MAX)] | None
type _Asset = Annotated[str, Field(max_length=80), AfterValidator(_stellar_asset)]


class _Strict(BaseModel):
    # Strict integers, since money is never a float.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RungInput(_Strict):
    """What pictures of `heightMin` lines and more cost on top: `stroops` for `seconds`, or `per`
    some time.
    """

    heightMin: Annotated[int, Field(ge=1, le=RUNG_HEIGHT_MAX)]  # noqa: N815 - wire name
    stroops: _Stroops
    seconds: _Seconds | None = None
    per: Literal["second", "minute", "hour"] | None = None

    @model_validator(mode="after")
    def _is_for_some_time(self) -> "RungInput":
        _require_one(self.seconds, self.per)
        return self


class PassInput(_Strict):
    """For `stroops`, once, there are so many hours to watch in."""

    hours: Annotated[int, Field(ge=1, le=PASS_HOURS_MAX)]
    stroops: Annotated[int, Field(ge=1, le=PRICE_STROOPS_MAX)]

    def offer(self) -> PassOffer:
        return PassOffer(self.hours, Stroops(self.stroops))


def _shortest_first(passes: list[PassInput]) -> list[PassInput]:
    hours = [each.hours for each in passes]
    if len(set(hours)) < len(hours):
        raise ValueError("each number of hours once")
    return sorted(passes, key=lambda each: each.hours)


type PassInputs = Annotated[
    list[PassInput], Field(max_length=PASS_OFFERS_MAX), AfterValidator(_shortest_first)
]


class PriceInput(_Strict):
    """`stroops` for `seconds`, or `per` second, minute, hour or view; and what there is besides.

    It replaces all that was set before, but for the asset, which stays when it is left out.
    """

    stroops: _Stroops
    seconds: _Seconds | None = None
    per: Literal["second", "minute", "hour", "view"] | None = None
    asset: _Asset | None = None
    viewStroops: _Stroops = 0  # noqa: N815 - wire name
    freeSeconds: Annotated[int, Field(ge=0, le=PRICE_SECONDS_MAX)] = 0  # noqa: N815
    sessionCap: _Cap = None  # noqa: N815
    dayCap: _Cap = None  # noqa: N815
    rungs: Annotated[list[RungInput], Field(max_length=RUNGS_MAX)] = []

    @model_validator(mode="after")
    def _says_one_thing(self) -> "PriceInput":
        _require_one(self.seconds, self.per)
        if self.per == "view" and self.viewStroops:
            raise ValueError("per view, the price is stroops; leave out viewStroops")
        heights = [rung.heightMin for rung in self.rungs]
        if any(lower >= upper for lower, upper in pairwise(heights)):
            raise ValueError("rungs begin with the lowest, each heightMin once")
        return self

    def offer(self, asset: str) -> Offer:
        """The offer, in this asset when it names none."""
        asset = self.asset or asset
        is_view = self.per == "view"
        tariff = Tariff(
            price=Price(asset, 0, 1) if is_view else _price(asset, self),
            view_stroops=self.stroops if is_view else self.viewStroops,
            free_seconds=self.freeSeconds,
            session_cap=self.sessionCap,
            rungs=tuple(RungPrice(rung.heightMin, _price(asset, rung)) for rung in self.rungs),
        )
        return Offer(tariff, self.dayCap)


def _price(asset: str, given: PriceInput | RungInput) -> Price:
    return Price(asset, given.stroops, given.seconds or _SECONDS_OF[given.per or "second"])


def _require_one(seconds: int | None, per: str | None) -> None:
    if (seconds is None) == (per is None):
        raise ValueError("say for how many seconds, or per what; not both")
