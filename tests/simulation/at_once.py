"""Runs a coroutine that waits for nothing, as those of the stores in memory do."""

from collections.abc import Coroutine
from typing import Any


def at_once[T](work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns or raises. Nobody else runs meanwhile: it is one transaction."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise AssertionError("a store in memory has nothing to wait for")
