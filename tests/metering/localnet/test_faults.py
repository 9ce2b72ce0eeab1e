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
    assert before == [Answer.NOT_AT_ALL, Answer.UNAVAILABLE, Answer.TRULY]
    after = [dial.after_submission() for _ in range(3)]
    assert after == [Answer.NOT_AT_ALL, Answer.TIMEOUT, Answer.TRULY]
    assert [dial.late_ledgers() for _ in range(3)] == [2, 2, 0]
    dial.set(Faults(drop_reads=1, fail_reads=1))
    reads = [dial.before_read() for _ in range(3)]
    assert reads == [Answer.NOT_AT_ALL, Answer.UNAVAILABLE, Answer.TRULY]


def test_setting_replaces_what_was_left() -> None:
    dial = FaultDial()
    dial.set(Faults(drop_before=5))
    dial.set(Faults())
    assert dial.before_submission() == Answer.TRULY


@pytest.mark.parametrize("wrong", [{"late": -1}, {"late": 10_001}, {"explode": 1}, {"late": 1.5}])
def test_faults_out_of_bounds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Faults.model_validate(wrong)
