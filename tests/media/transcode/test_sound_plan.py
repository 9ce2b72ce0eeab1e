"""A plan for sound survives the way to its worker."""

from dataclasses import replace

import pytest

from media.transcode.sound_plan import (
    MalformedSoundPlan,
    SoundPlan,
    encoded_track,
    plan_for_track,
    sound_plan_from_bytes,
    sound_plan_to_bytes,
)
from media.units import Coding, MediaKind, Track
from media.wire.bits import MalformedConfiguration

PLAN = SoundPlan(Coding.OPUS, b"OpusHead", 48_000, 2)
STEREO_48, STEREO_44, MONO_48, HE_AAC = (
    bytes.fromhex(one) for one in ("1190", "1210", "1188", "2b118800")
)


@pytest.mark.parametrize("plan", [PLAN, SoundPlan(Coding.MP3, b"", 22_050, 1, start=12_345)])
def test_a_plan_is_read_as_it_was_written(plan: SoundPlan) -> None:
    assert sound_plan_from_bytes(sound_plan_to_bytes(plan)) == plan


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        sound_plan_to_bytes(PLAN).replace(b'"opus"', b'"vorbis"'),
        sound_plan_to_bytes(PLAN).replace(b"start", b"begin"),
    ],
)
def test_nonsense_is_no_plan(data: bytes) -> None:
    with pytest.raises(MalformedSoundPlan):
        sound_plan_from_bytes(data)


def test_only_44100_samples_a_second_stay_what_they_are() -> None:
    track = Track(MediaKind.AUDIO, "ac-3", 44_100, b"", channels=6, sample_rate=44_100)
    plan = plan_for_track(track)
    assert plan == SoundPlan(Coding.AC3, b"", 44_100, 6)
    assert plan.encoded_rate == 44_100
    assert {replace(plan, sample_rate=rate).encoded_rate for rate in (8_000, 48_000, 96_000)} == {
        48_000
    }


def test_a_worker_makes_what_was_asked_for() -> None:
    track = encoded_track(PLAN, STEREO_48)
    assert (track.codec, track.timescale, track.channels) == ("mp4a.40.2", 48_000, 2)
    for other in (STEREO_44, MONO_48, HE_AAC, b""):
        with pytest.raises(MalformedConfiguration):
            encoded_track(PLAN, other)
