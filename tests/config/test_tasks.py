"""Tasks are named, kept, and fail aloud."""

import asyncio

import structlog.testing

from config.tasks import cancel, happens, spawn, to_the_end


async def test_a_task_gives_its_result() -> None:
    async def work() -> int:
        return 7

    task = spawn(work(), name="adding")
    assert task.get_name() == "adding"
    assert await task == 7


async def test_a_failure_nobody_waits_for_is_logged_with_the_tasks_name() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with structlog.testing.capture_logs() as lines:
        task = spawn(work(), name="dividing")
        await asyncio.wait([task])
        await asyncio.sleep(0)
    assert [(line["event"], line["task"]) for line in lines] == [("task failed", "dividing")]


async def test_cancelling_returns_when_the_tasks_have_cleaned_up() -> None:
    cleaned: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(name)

    tasks = [spawn(work("a"), name="a"), spawn(work("b"), name="b")]
    await asyncio.sleep(0)
    await cancel(*tasks, None)
    assert sorted(cleaned) == ["a", "b"]
    assert all(task.cancelled() for task in tasks)


async def test_a_task_that_ended_can_be_cancelled_again() -> None:
    async def work() -> None:
        return

    task = spawn(work(), name="short")
    await task
    await cancel(task)
    assert not task.cancelled()


async def test_an_event_is_waited_for_but_not_for_too_long() -> None:
    event = asyncio.Event()
    assert not await happens(event, 0)
    asyncio.get_running_loop().call_soon(event.set)
    assert await happens(event, 10)
    assert await happens(event, 0)


async def test_an_ending_is_reached_although_its_caller_is_cancelled() -> None:
    may_end, ended = asyncio.Event(), asyncio.Event()

    async def ending() -> str:
        await may_end.wait()
        ended.set()
        return "done"

    caller = spawn(to_the_end(ending(), name="ending"), name="caller")
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.wait({caller})
    assert caller.cancelled()
    assert ended.is_set()
    assert await to_the_end(ending(), name="ending") == "done"
