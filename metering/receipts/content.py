"""Whether what a receipt says can be: it is worked out again from the tariffs and the media."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metering.rules import UNITS_PER_SECOND
from metering.tariff import BadPrice, Tariff

type Told = tuple[str, str]
"""A path, and what is wrong there."""

type _Watched = tuple[int, tuple[int, ...]]
"""Seconds, and how many of them at or above each rung."""


def content_faults(document: Mapping[str, Any]) -> Iterator[Told]:
    """What cannot be, from the top of the document to its end. Its shape is that of a receipt.

    Its times may be in any order: they are of two servers' clocks when one took the session over.
    """
    tariffs: list[Tariff | None] = []
    yield from _tariff_faults(document, tariffs)
    yield from _interval_faults(document["intervals"])
    yield from _tick_faults(document, tariffs)
    yield from _total_faults(document)


def _tariff_faults(document: Mapping[str, Any], known: list[Tariff | None]) -> Iterator[Told]:
    """Also fills `known` with the tariffs; None for what is none."""
    if not document["tariffs"]:
        yield "tariffs", "is empty: nothing says what this session costs"
    for place, each in enumerate(document["tariffs"]):
        path = f"tariffs[{place}]"
        if each["tariff"]["asset"] != document["asset"]:
            yield f"{path}.tariff.asset", f"the receipt is in {document['asset']}"
        try:
            tariff = Tariff.from_document(each["tariff"])
        except BadPrice:
            known.append(None)
            yield f"{path}.tariff", "is no tariff"
            continue
        known.append(tariff)
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
    """What is due by now, and under which terms."""

    def __init__(self, tariffs: Sequence[Mapping[str, Any]]) -> None:
        self._tariffs = tariffs
        self._place = -1
        self._since: _Watched = (0, ())
        self._now: _Watched = (0, ())
        self._before = 0
        self._due = 0

    def faults(self, path: str, tick: Mapping[str, Any]) -> Iterator[Told]:
        """What is wrong with where a run begins and ends."""
        last = self._now[0]
        if tick["tariff"] < self._place:
            yield f"{path}.tariff", "was replaced before"
        elif tick["tariff"] > self._place:
            self._take_over(tick["tariff"])
            if self._since[0] != last:
                yield f"tariffs[{self._place}].since", f"second {last} is next"
        if tick["first"] != last:
            yield f"{path}.first", f"second {last} is next"
        if tick["last"] < tick["first"]:
            yield f"{path}.last", "is before first"
        before = self._now[1]
        if any(count > tick["last"] for count in tick["rungs"]):
            yield f"{path}.rungs", "are more seconds than there were"
        if any(count < old for count, old in zip(tick["rungs"], before, strict=False)):
            yield f"{path}.rungs", "are fewer seconds than before"

    def expect(self, tariff: Tariff, tick: Mapping[str, Any]) -> int:
        """What a run costs that follows those before."""
        now: _Watched = (tick["last"], tuple(tick["rungs"]))
        due = self._before + tariff.due(self._since, now)
        if tariff.session_cap is not None:
            due = max(self._due, min(due, tariff.session_cap))
        expected, self._due = due - self._due, due
        return expected

    def move_on(self, tick: Mapping[str, Any]) -> None:
        """The next run follows this one."""
        self._now = (max(self._now[0], tick["last"]), tuple(tick["rungs"]))

    def _take_over(self, place: int) -> None:
        terms = self._tariffs[place]
        self._place, self._before = place, self._due
        self._since = (terms["since"], tuple(terms["rungs"]))
        self._now = (self._now[0], self._since[1])


def _tick_faults(document: Mapping[str, Any], tariffs: Sequence[Tariff | None]) -> Iterator[Told]:
    account = _Account(document["tariffs"])
    for place, tick in enumerate(document["ticks"]):
        path = f"ticks[{place}]"
        if tick["tariff"] >= len(tariffs):
            yield f"{path}.tariff", "is not in the receipt"
            continue
        yield from account.faults(path, tick)
        tariff = tariffs[tick["tariff"]]
        if tariff is not None:
            expected = account.expect(tariff, tick)
            if int(tick["amount"]) != expected:
                said = tick["amount"]
                yield f"{path}.amount", f"the tariff says {expected}, the file says {said}"
        account.move_on(tick)


def _total_faults(document: Mapping[str, Any]) -> Iterator[Told]:
    ticks, totals = document["ticks"], document["totals"]
    seconds = ticks[-1]["last"] if ticks else 0
    units = sum(each["hi"] - each["lo"] for each in document["intervals"])
    if units - totals["waived"] < seconds * UNITS_PER_SECOND:
        paid = f"{seconds} seconds and {totals['waived']} waived units"
        yield "intervals", f"{units} units of media are too short for {paid}"
    if totals["seconds"] != seconds:
        yield "totals.seconds", f"the ticks say {seconds}, the file says {totals['seconds']}"
    charged = sum(int(tick["amount"]) for tick in ticks)
    refunded = sum(int(refund["amount"]) for refund in document["refunds"])
    for name, sum_ in (("charged", charged), ("refunded", refunded), ("paid", charged - refunded)):
        if totals[name] != str(sum_):
            yield f"totals.{name}", f"the sum is {sum_}, the file says {totals[name]}"
