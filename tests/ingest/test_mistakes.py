from config.limits import (
    RTMP_WRONG_KEY_ADDRESSES_MAX,
    RTMP_WRONG_KEYS_MAX,
    RTMP_WRONG_KEYS_MS,
)
from ingest.mistakes import Mistakes


def test_an_address_may_be_wrong_so_many_times_a_minute() -> None:
    mistakes = Mistakes()
    for time in range(RTMP_WRONG_KEYS_MAX):
        assert not mistakes.are_too_many("a", time)
        mistakes.record("a", time)

    assert mistakes.are_too_many("a", RTMP_WRONG_KEYS_MAX)
    assert not mistakes.are_too_many("b", RTMP_WRONG_KEYS_MAX)
    assert not mistakes.are_too_many("a", RTMP_WRONG_KEYS_MS)


def test_only_so_many_addresses_are_remembered() -> None:
    mistakes = Mistakes()
    for _ in range(RTMP_WRONG_KEYS_MAX):
        mistakes.record("first", 0)
        mistakes.record("second", 0)
    mistakes.record("first", 0)

    for number in range(RTMP_WRONG_KEY_ADDRESSES_MAX - 1):
        mistakes.record(str(number), 0)

    assert mistakes.are_too_many("first", 0)
    assert not mistakes.are_too_many("second", 0)
