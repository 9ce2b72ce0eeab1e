"""Cycles are looked for rarely, and still found."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from config.collector import collect_rarely


class Knot:
    def __init__(self) -> None:
        self.self = self


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_cycles_made_afterwards_are_still_collected() -> None:
    collect_rarely()
    knot = weakref.ref(Knot())
    gc.collect()
    assert knot() is None


def test_it_is_looked_for_more_rarely_than_by_default() -> None:
    before = gc.get_threshold()[0]
    collect_rarely()
    assert gc.get_threshold()[0] > before
