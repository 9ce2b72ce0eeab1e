"""Patience with workers is bounded, and grows with their failures."""

from config.clock import ManualClock
from media.transcode.conversation import Attention, Patience


def test_the_first_failure_costs_no_wait_and_later_ones_ever_more() -> None:
    patience = Patience(backoff_ms_min=100, backoff_ms_max=1_000)
    assert [patience.backoff_ms(failures) for failures in (0, 1, 2, 3, 4, 5, 6, 1_000)] == [
        0, 0, 100, 200, 400, 800, 1_000, 1_000,
    ]  # fmt: skip


def test_what_is_in_a_worker_is_what_it_was_given_and_is_not_done_with() -> None:
    attention = Attention(ManualClock(), Patience())
    for _ in range(3):
        attention.gave()
    attention.consumed = 2
    assert attention.inside == 1
    attention.consumed = 7  # it lies
    assert attention.inside == 0
