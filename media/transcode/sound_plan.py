"""What one sound worker is to make of one source's sound."""

import json
from dataclasses import asdict, dataclass

from media.units import Coding, Track
from media.wire.aac import track_from_audio_specific_config
from media.wire.bits import MalformedConfiguration

ENCODED_CHANNELS = 2
ENCODED_BIT_RATE = 128_000
"""Bits a second of AAC-LC in stereo: few hear a difference to the source."""

_KEPT_RATE, _USUAL_RATE = 44_100, 48_000


class MalformedSoundPlan(ValueError):
    """The bytes are no plan."""


@dataclass(frozen=True, slots=True)
class SoundPlan:
    """One decode, one encode.

    Attributes:
        coding, configuration: of the source; its extradata, as `media.units.Track` has it.
        sample_rate, channels: of the source, as its track says.
        start: the first sample to make, counted at the rate of what is made; None to begin with
            the first that comes.
    """

    coding: Coding
    configuration: bytes
    sample_rate: int
    channels: int
    start: int | None = None

    @property
    def encoded_rate(self) -> int:
        """Samples a second of what is made: one of the two that everything plays."""
        return _KEPT_RATE if self.sample_rate == _KEPT_RATE else _USUAL_RATE


def plan_for_track(track: Track) -> SoundPlan:
    """To make all of a track's sound."""
    return SoundPlan(track.coding, track.extradata, track.sample_rate, track.channels)


def encoded_track(plan: SoundPlan, configuration: bytes) -> Track:
    """The track that a worker makes, by the AudioSpecificConfig that it says it makes.

    Raises:
        MalformedConfiguration: that is no configuration of what the plan asks for.
    """
    track = track_from_audio_specific_config(configuration)
    wanted = ("mp4a.40.2", plan.encoded_rate, ENCODED_CHANNELS)
    if (track.codec, track.sample_rate, track.channels) != wanted:
        raise MalformedConfiguration(f"{track.codec} of {track.sample_rate} Hz was not asked for")
    return track


def sound_plan_to_bytes(plan: SoundPlan) -> bytes:
    """A plan as JSON."""
    return json.dumps({**asdict(plan), "configuration": plan.configuration.hex()}).encode()


def sound_plan_from_bytes(data: bytes) -> SoundPlan:
    """The plan that `sound_plan_to_bytes` wrote.

    Raises:
        MalformedSoundPlan: something is missing, unknown or of another shape.
    """
    try:
        fields = json.loads(data)
        return SoundPlan(
            coding=Coding(fields.pop("coding")),
            configuration=bytes.fromhex(fields.pop("configuration")),
            **fields,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as reason:
        raise MalformedSoundPlan(str(reason)) from reason
