"""Keys are made of a secret, an asset and a period, and of nothing else."""

import hashlib
import hmac

from packager.hls.key_schedule import KeySchedule

SCHEDULE = KeySchedule(b"a secret of 32 bytes, all of them")


def test_the_same_question_always_has_the_same_answer() -> None:
    again = KeySchedule(b"a secret of 32 bytes, all of them")
    for ask in (KeySchedule.key, KeySchedule.vector, KeySchedule.key_id):
        assert ask(SCHEDULE, "ast_1", 7) == ask(again, "ast_1", 7)
    # Never to change: public segments would open no more.
    expected = hmac.new(SCHEDULE.secret, b"key ast_1 7", hashlib.sha256).digest()[:16]
    assert SCHEDULE.key("ast_1", 7) == expected


def test_keys_of_different_things_differ() -> None:
    other = KeySchedule(b"another secret")
    made = [
        ask(schedule, asset, period)
        for ask in (KeySchedule.key, KeySchedule.vector, KeySchedule.key_id)
        for schedule in (SCHEDULE, other)
        for asset in ("ast_1", "ast_2")
        for period in (0, 1, 10)
    ]
    assert len(set(made)) == len(made)
    assert {len(each) for each in made} == {16}
