"""A worker's sound follows the source, or is no sound."""

from dataclasses import replace

import pytest

from media.transcode.protocol import Encoded, MalformedMessage
from media.transcode.sound_check import SoundCheck

FIRST = Encoded(0, 48_000, 48_000, 1024, keyframe=True, boundary=False, data=b"frame")


def at(samples: int) -> Encoded:
    return replace(FIRST, dts=samples, pts=samples)


def check() -> SoundCheck:
    """Of a source of 48 kHz of which one packet was fed, at one second."""
    made = SoundCheck(48_000)
    made.fed(90_000)
    return made


def test_frames_follow_each_other_with_holes() -> None:
    checked = check()
    assert checked.take(FIRST).dts == 48_000
    assert checked.next == 49_024
    assert checked.take(at(49_024)).duration == 1024
    assert checked.take(at(60_000)).data == b"frame"
    assert checked.next == 61_024


@pytest.mark.parametrize(
    "message",
    [
        replace(FIRST, rung=1),
        replace(FIRST, data=b""),
        replace(FIRST, data=bytes(1537)),
        at(46_000),
        at(48_000 + 2 * 48_000 + 1),
    ],
    ids=["another rung", "empty", "too long", "before the source", "long after it"],
)
def test_what_cannot_be_made_of_the_source_is_refused(message: Encoded) -> None:
    with pytest.raises(MalformedMessage):
        check().take(message)


def test_frames_do_not_come_twice() -> None:
    checked = check()
    checked.take(FIRST)
    with pytest.raises(MalformedMessage):
        checked.take(at(49_023))


def test_sound_is_not_made_of_nothing() -> None:
    with pytest.raises(MalformedMessage):
        SoundCheck(48_000).take(FIRST)
