"""Whether what a receipt says can be: it is worked out again from the tariffs and the media."""

from collections.abc import Iterator, Mapping
from typing import Any

from metering.rules import UNITS_PER_SECOND
from metering.tariff import BadPrice, Tariff

type Told = tuple[str, str]
"""A path, and what is wrong there."""

type _Watched = tuple[int, tuple[int, ...]]
"""Seconds, and how many of them at or above each rung."""


def content_faults(document: Mapping[str, Any]) -> Iterator[Told]:
    """What cannot be, from the top of the document to its end. Its shape is that of a receipt."""
    if document["closedAt"] < document["openedAt"]:
        yield "closedAt", "is before openedAt"
    tariffs: dict[str, Tariff] = {}
    yield from _tariff_faults(document, tariffs)
    yield from _interval_faults(document["intervals"])
    yield from _tick_faults(document["ticks"], tariffs)
    yield from _total_faults(document)


def _tariff_faults(document: Mapping[str, Any], known: dict[str, Tariff]) -> Iterator[Told]:
    """Also fills `known` with the tariffs by what the file calls them."""
    if not document["tariffs"]:
        yield "tariffs", "is empty: nothing says what this session costs"
    for place, each in enumerate(document["tariffs"]):
        path = f"tariffs[{place}]"
        if each["tariff"]["asset"] != document["asset"]:
            yield f"{path}.tariff.asset", f"the receipt is in {document['asset']}"
        try:
            tariff = Tariff.from_document(each["tariff"])
        except BadPrice:
            yield f"{path}.tariff", "is no tariff"
            continue
        known[each["epoch"]] = tariff
        if tariff.to_document() != each["tariff"]:
            yield f"{path}.tariff", "is not in lowest terms"
        elif tariff.id != each["epoch"]:
            yield f"{path}.epoch", f"this tariff is {tariff.id}"


def _interval_faults(intervals: list[dict[str, int]]) -> Iterator[Told]:
    end = 0
    for place, each in enumerate(intervals):
        path = f"intervals[{place}]"
        if each["lo"] < end:
            yield f"{path}.lo", f"media before {end} is in the receipt already"
        if each["hi"] <= each["lo"]:
            yield f"{path}.hi", "is not after lo"
        end = max(end, each["hi"])


class _Account:
    """What is due by now, and since when the tariff of now holds."""

    def __init__(self) -> None:
        self._epoch: str | None = None
        self._since: _Watched = (0, ())
        self._now: _Watched = (0, ())
        self._before = 0
        self._due = 0

    def expect(self, tariff: Tariff, tick: Mapping[str, Any]) -> int:
        """What a run costs that follows those before."""
        if tick["epoch"] != self._epoch:
            self._epoch, self._since, self._before = tick["epoch"], self._now, self._due
        self._now = (tick["last"], tuple(tick["rungs"]))
        due = self._before + tariff.due(self._since, self._now)
        if tariff.session_cap is not None:
            due = max(self._due, min(due, tariff.session_cap))
        expected, self._due = due - self._due, due
        return expected


def _tick_faults(ticks: list[dict[str, Any]], tariffs: Mapping[str, Tariff]) -> Iterator[Told]:
    account, last = _Account(), 0
    for place, tick in enumerate(ticks):
        path = f"ticks[{place}]"
        if tick["first"] != last:
            yield f"{path}.first", f"second {last} is next"
        if tick["last"] < tick["first"]:
            yield f"{path}.last", "is before first"
        last = max(last, tick["last"])
        tariff = tariffs.get(tick["epoch"])
        if tariff is None:
            yield f"{path}.epoch", "no such tariff is in the receipt"
            continue
        expected = account.expect(tariff, tick)
        if int(tick["amount"]) != expected:
            yield f"{path}.amount", f"the tariff says {expected}, the file says {tick['amount']}"


def _total_faults(document: Mapping[str, Any]) -> Iterator[Told]:
    ticks, totals = document["ticks"], document["totals"]
    seconds = ticks[-1]["last"] if ticks else 0
    units = sum(each["hi"] - each["lo"] for each in document["intervals"])
    if units < seconds * UNITS_PER_SECOND:
        yield "intervals", f"{units} units of media are too short for {seconds} seconds"
    if totals["seconds"] != seconds:
        yield "totals.seconds", f"the ticks say {seconds}, the file says {totals['seconds']}"
    charged = sum(int(tick["amount"]) for tick in ticks)
    refunded = sum(int(refund["amount"]) for refund in document["refunds"])
    for name, sum_ in (("charged", charged), ("refunded", refunded), ("paid", charged - refunded)):
        if totals[name] != str(sum_):
            yield f"totals.{name}", f"the sum is {sum_}, the file says {totals[name]}"
