"""Sound as it comes from the wire, whatever its coding: its track, and how long packets last."""

from collections.abc import Callable
from typing import Protocol

from media.units import Coding, Track
from media.wire import ac3, flac, mpeg_audio, opus
from media.wire.aac import track_from_audio_specific_config
from media.wire.bits import MalformedConfiguration
from media.wire.nal import MalformedAccessUnit

__all__ = ["ElementaryAudio", "MalformedAccessUnit", "MalformedConfiguration", "elementary_audio"]


class ElementaryAudio(Protocol):
    """One audio track: its configurations and frames in, `Track` and durations out.

    `track` is None until enough is known, and another object from then on when it changes: with a
    configuration, or with a frame in codings whose frames describe themselves.
    """

    track: Track | None

    def configure(self, config: bytes) -> None:
        """Take a decoder configuration; one that repeats changes nothing.

        Raises:
            MalformedConfiguration: it cannot be read; the one before stays in force.
        """

    def take(self, data: bytes) -> int:
        """How long a frame lasts, in samples; 0 means as long as one always lasts (AAC).

        Raises:
            MalformedAccessUnit: it is no frame of this coding.
        """


class _ConfiguredAudio:
    """AAC, Opus and FLAC, whose configuration says it all."""

    def __init__(
        self,
        track_from: Callable[[bytes], Track],
        samples_of: Callable[[bytes], int] | None,
        is_idle: Callable[[bytes], bool] | None = None,
    ) -> None:
        self.track: Track | None = None
        self._track_from = track_from
        self._samples_of = samples_of
        self._is_idle = is_idle

    def configure(self, config: bytes) -> None:
        if self._is_idle is not None and self._is_idle(config):
            return
        track = self._track_from(config)
        if track != self.track:
            self.track = track

    def take(self, data: bytes) -> int:
        return 0 if self._samples_of is None else _at_least_one(self._samples_of(data))


class _SelfDescribedAudio:
    """AC-3, E-AC-3 and MP3: every frame says what it is, and configurations say nothing."""

    def __init__(
        self,
        track_of: Callable[[bytes], Track | None],
        samples_of: Callable[[bytes], int],
    ) -> None:
        self.track: Track | None = None
        self._track_of = track_of
        self._samples_of = samples_of

    def configure(self, config: bytes) -> None:
        """FFmpeg sends an empty one."""

    def take(self, data: bytes) -> int:
        samples = _at_least_one(self._samples_of(data))
        track = self._track_of(data)
        if track != self.track:
            self.track = track
        return samples


def _at_least_one(samples: int) -> int:
    if samples == 0:
        raise MalformedAccessUnit("a frame whose header cannot be read")
    return samples


def _ac3_track(data: bytes) -> Track | None:
    frame = ac3.parse_sync_frame(data)
    return None if frame is None else frame.track


def _aac_track(config: bytes) -> Track:
    """MPEG-4 has MP3 as well, whose frames come under FLV's own number for it."""
    track = track_from_audio_specific_config(config)
    if track.coding is not Coding.AAC:
        raise MalformedConfiguration(f"{track.codec} is no AAC")
    return track


def _mp3_track(data: bytes) -> Track | None:
    frame = mpeg_audio.parse_mp3_frame(data)
    return None if frame is None else frame.track


def elementary_audio(coding: Coding) -> ElementaryAudio:
    """An empty track of this coding, which is one of audio."""
    match coding:
        case Coding.OPUS:
            return _ConfiguredAudio(
                opus.track_from_opus_header, opus.packet_samples, opus.is_comment_header
            )
        case Coding.FLAC:
            return _ConfiguredAudio(flac.track_from_flac_configuration, flac.frame_samples)
        case Coding.AC3 | Coding.EAC3:
            return _SelfDescribedAudio(_ac3_track, ac3.message_samples)
        case Coding.MP3:
            return _SelfDescribedAudio(_mp3_track, mpeg_audio.message_samples)
        case _:
            assert coding is Coding.AAC, coding
            return _ConfiguredAudio(_aac_track, None)
