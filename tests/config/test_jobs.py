"""The rules of the queue."""

import pytest

from config.jobs import JobFailed, LeaseTimes, Waiting, backoff_ms, in_order
from config.limits import JOB_BACKOFF_MS_MAX, JOB_BACKOFF_MS_MIN, JOB_DETAIL_CHARACTERS_MAX


def waiting(job_id: str, owner: str, run_at: int, priority: int = 0) -> Waiting:
    return Waiting(job_id, owner, priority, run_at, delayed=False)


def test_waits_double_up_to_a_limit() -> None:
    waits = [backoff_ms(attempt) for attempt in range(1, 1_000)]
    assert waits[:3] == [JOB_BACKOFF_MS_MIN, 2 * JOB_BACKOFF_MS_MIN, 4 * JOB_BACKOFF_MS_MIN]
    assert waits == sorted(waits)
    assert waits[-1] == JOB_BACKOFF_MS_MAX


def test_we_stop_before_a_lease_is_over_and_after_some_missed_heartbeats() -> None:
    times = LeaseTimes(30_000)
    assert times.deadline_ms(1_000) == 26_000
    assert times.beat_ms * 4 < 26_000


def test_what_a_library_says_at_length_is_cut_and_what_cannot_be_shown_left_out() -> None:
    assert len(JobFailed("x", "y" * 10_000).detail) == JOB_DETAIL_CHARACTERS_MAX
    assert JobFailed("x", "Größe\0 \ud800ist 0.\n").detail == "Größe ist 0."


@pytest.mark.parametrize(
    ("running", "served_at", "expected"),
    [
        ({}, {}, ["a1", "b1", "a2", "b2", "a3"]),
        ({}, {"a": 5}, ["b1", "a1", "b2", "a2", "a3"]),
        ({}, {"a": 5, "b": 9}, ["a1", "b1", "a2", "b2", "a3"]),
        ({"a": 1}, {"a": 5}, ["b1", "a1", "b2", "a2", "a3"]),
        ({"a": 2}, {"a": 5}, ["b1", "b2", "a1", "a2", "a3"]),
    ],
)
def test_owners_take_turns(
    running: dict[str, int], served_at: dict[str, int], expected: list[str]
) -> None:
    queue = [waiting(f"a{n}", "a", n) for n in (1, 2, 3)]
    queue += [waiting(f"b{n}", "b", 10 + n) for n in (1, 2)]
    assert [each.id for each in in_order(queue, running, served_at)] == expected


def test_priority_goes_before_turns_and_delay_behind_everything() -> None:
    queue = [
        Waiting("delayed", "a", 9, 100, delayed=True),
        waiting("usual", "b", 1),
        waiting("urgent", "c", 2, priority=1),
    ]
    order = [each.id for each in in_order(queue, {"c": 5}, {})]
    assert order == ["urgent", "usual", "delayed"]
