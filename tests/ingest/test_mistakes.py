from config.limits import (
    RTMP_WRONG_KEY_ADDRESSES_MAX,
    RTMP_WRONG_KEYS_IN_ALL_MAX,
    RTMP_WRONG_KEYS_MAX,
    RTMP_WRONG_KEYS_MS,
)
from ingest.mistakes import Mistakes


def test_a_network_may_be_wrong_so_many_times_a_minute() -> None:
    mistakes = Mistakes()
    for time in range(RTMP_WRONG_KEYS_MAX):
        assert not mistakes.are_too_many("a", time)
        mistakes.record("a", time)

    assert mistakes.are_too_many("a", RTMP_WRONG_KEYS_MAX)
    assert not mistakes.are_too_many("b", RTMP_WRONG_KEYS_MAX)
    assert not mistakes.are_too_many("a", RTMP_WRONG_KEYS_MS)


def test_only_so_many_networks_are_remembered() -> None:
    mistakes = Mistakes()
    for _ in range(RTMP_WRONG_KEYS_MAX):
        mistakes.record("first", 0)
        mistakes.record("second", 0)
    mistakes.record("first", 0)

    for number in range(RTMP_WRONG_KEY_ADDRESSES_MAX - 1):
        mistakes.record(str(number), 0)

    assert mistakes.are_too_many("first", 0)
    assert not mistakes.are_too_many("second", 0)


def test_all_together_may_be_wrong_so_many_times_a_minute() -> None:
    mistakes = Mistakes()
    for number in range(2 * RTMP_WRONG_KEYS_IN_ALL_MAX):
        assert mistakes.are_too_many_in_all(5) == (number >= RTMP_WRONG_KEYS_IN_ALL_MAX)
        mistakes.record(str(number), 5)

    each_ms = RTMP_WRONG_KEYS_MS // RTMP_WRONG_KEYS_IN_ALL_MAX
    assert mistakes.are_too_many_in_all(5 + each_ms - 1)
    assert not mistakes.are_too_many_in_all(5 + each_ms)
    mistakes.record("one more", 5 + each_ms)
    assert mistakes.are_too_many_in_all(5 + each_ms)
