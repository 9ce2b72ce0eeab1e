"""Everybody who waits for a commit is answered once, whatever the others do with their answer."""

import asyncio
from functools import partial
from typing import Any

import pytest

from config.tasks import spawn
from metering.errors import MeterUnavailable
from metering.waiting import Saved, answer_all, settle


async def turn() -> None:
    """Let the loop do what was to be called soon."""
    turned = asyncio.Event()
    asyncio.get_running_loop().call_soon(turned.set)
    await turned.wait()


async def test_who_is_called_is_called_before_the_answer_is_over() -> None:
    saved, said = Saved(), list[str]()
    saved.add_done_callback(lambda _: said.append("first"))
    leaver = partial(_note, [], 0)
    saved.add_done_callback(leaver)
    saved.add_done_callback(lambda _: said.append("last"))
    saved.remove_done_callback(leaver)
    answer_all(iter([saved]))
    assert said == ["first", "last"]
    answer_all(iter([saved]))
    saved.add_done_callback(lambda each: said.append(f"late {each.exception()}"))
    await turn()
    assert said == ["first", "last", "late None"]


async def test_who_awaits_goes_on_with_the_answer_or_the_error() -> None:
    one, other = Saved(), Saved()
    tasks = [spawn(_awaited(each), "waits") for each in (one, other)]
    await turn()
    answer_all(iter([one]))
    settle(other, MeterUnavailable("gone"))
    assert await tasks[0] is None
    with pytest.raises(MeterUnavailable, match="gone"):
        await tasks[1]
    assert await one is None


def _note(answered: list[int], number: int, _: Saved) -> None:
    answered.append(number)


async def _awaited(saved: Saved) -> object:
    return await saved


async def test_who_fails_keeps_nobody_from_an_answer_and_is_reported() -> None:
    reported: list[BaseException] = []

    def report(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        reported.append(context["exception"])

    def fail(_: Saved) -> None:
        raise ZeroDivisionError

    asyncio.get_running_loop().set_exception_handler(report)
    waiting = [Saved() for _ in range(4)]
    answered: list[int] = []
    for number, saved in enumerate(waiting):
        saved.add_done_callback(fail if number % 2 else partial(_note, answered, number))
    asyncio.get_running_loop().call_soon(answer_all, iter(waiting))
    for _ in waiting:
        await turn()
    assert answered == [0, 2]
    assert [type(each) for each in reported] == [ZeroDivisionError] * 2
