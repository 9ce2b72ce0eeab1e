"""The dial of faults: each fault is spent once."""

import pytest
from pydantic import ValidationError

from metering.localnet.faults import Answer, FaultDial, Faults


def test_without_faults_everything_is_true() -> None:
    dial = FaultDial()
    assert dial.before_submission() == dial.after_submission() == Answer.TRULY
    assert dial.before_read() == Answer.TRULY
    assert dial.late_ledgers() == 0


def test_faults_are_spent_one_by_one() -> None:
    dial = FaultDial()
    dial.set(Faults(drop_before=1, fail_before=1, drop_after=1, fail_after=1, late=2))
    before = [dial.before_submission() for _ in range(3)]
    assert before == [Answer.NOT_AT_ALL, Answer.FAILED, Answer.TRULY]
    after = [dial.after_submission() for _ in range(3)]
    assert after == [Answer.NOT_AT_ALL, Answer.TIMEOUT, Answer.TRULY]
    assert [dial.late_ledgers() for _ in range(3)] == [2, 2, 0]
    dial.set(Faults(drop_reads=1, fail_reads=1))
    reads = [dial.before_read() for _ in range(3)]
    assert reads == [Answer.NOT_AT_ALL, Answer.FAILED, Answer.TRULY]


def test_setting_replaces_what_was_left() -> None:
    dial = FaultDial()
    dial.set(Faults(drop_before=5))
    dial.set(Faults())
    assert dial.before_submission() == Answer.TRULY


def drawn(seed: int) -> list[bool]:
    dial = FaultDial()
    dial.set(Faults(seed=seed, shares={"drop_after": 300}))
    return [dial.after_submission() == Answer.NOT_AT_ALL for _ in range(1000)]


def test_shares_are_drawn_the_same_way_from_the_same_seed() -> None:
    assert drawn(7) == drawn(7) != drawn(8)
    assert 250 < sum(drawn(7)) < 350
    dial = FaultDial()
    dial.set(Faults(shares={"lost": 1000}))
    assert all(dial.is_lost() for _ in range(50)), "a share of all is never spent"


def test_failures_have_their_statuses_in_turn() -> None:
    dial = FaultDial()
    assert dial.status() == 503
    dial.set(Faults(statuses=[429, 502]))
    assert [dial.status() for _ in range(3)] == [429, 502, 429]


@pytest.mark.parametrize(
    "wrong", [{"shares": {"late": 1001}}, {"shares": {"lag": 1}}, {"statuses": [200]}]
)
def test_shares_and_statuses_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Faults.model_validate(wrong)


@pytest.mark.parametrize("wrong", [{"late": -1}, {"late": 10_001}, {"explode": 1}, {"late": 1.5}])
def test_faults_out_of_bounds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Faults.model_validate(wrong)
