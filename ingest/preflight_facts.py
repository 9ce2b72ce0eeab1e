"""What is known of a publication: the figures that its preflight report goes by."""

from dataclasses import dataclass

from media.units import Coding, MediaKind, Track

# ITU-T H.264, annex A.2: profile_idc, the first byte of an `avc1.` name.
_AVC_PROFILES = {
    "42": "Baseline",
    "4d": "Main",
    "58": "Extended",
    "64": "High",
    "6e": "High 10",
    "7a": "High 4:2:2",
    "f4": "High 4:4:4",
}


@dataclass(frozen=True, slots=True)
class TrackFacts:
    """One track as it comes in. What is not known yet is None, and 0 for a count or a rate.

    Attributes:
        number: of the track among those of its kind; 0 is the one that every player shows.
        bitrate: bits in a second of its media, of the last ten seconds.
        frames_per_1000_s: measured; compares with `track.frame_rate`, which is declared.
        uneven_percent: of its frames, those that come much later than the typical one.
        keyframe_ms: the usual distance of two keyframes, the median.
        keyframe_ms_max: the longest distance, including the one that has not ended yet.
        keyframe_ms_open: since the latest keyframe; the only thing known before the second one.
        keyframes_unusable: were marked as keyframes and are no place where a player can start.
        b_frames: the most in a row that are shown before a frame that came earlier.
    """

    number: int
    track: Track
    packets: int = 0
    bitrate: int = 0
    frames_per_1000_s: int = 0
    uneven_percent: int = 0
    keyframe_ms: int | None = None
    keyframe_ms_max: int = 0
    keyframe_ms_open: int | None = None
    keyframes_unusable: int = 0
    b_frames: int = 0

    @property
    def coding(self) -> Coding | None:
        """None for a codec that nothing here knows."""
        try:
            return self.track.coding
        except ValueError:
            return None

    @property
    def profile(self) -> str:
        """Profile and level of H.264, such as `High 4.1`; the codec's name of anything else."""
        name, _, digits = self.track.codec.partition(".")
        if name != "avc1" or len(digits) != 6 or digits[:2] not in _AVC_PROFILES:
            return self.track.codec
        level = int(digits[4:], 16)
        return f"{_AVC_PROFILES[digits[:2]]} {level // 10}.{level % 10}"


@dataclass(frozen=True, slots=True)
class Facts:
    """One publication as it comes in.

    Attributes:
        tracks: those announced, video before sound, in the order of their numbers.
        encoder: what the publisher's metadata calls it.
        bitrate: bits a second on the line, of the last ten seconds; `bitrate_peak` of one second.
        bitrate_declared: what the metadata promises; 0 when it does not.
        speed_percent: media time by arrival time; 100 is real time.
        burst_ms: how much later than the most punctual packet the latest one came.
        sound_late_ms: how much later sound comes than the picture that belongs to it.
        drift_ms_per_minute: how much faster the publisher's clock runs than this machine's; None
            until it has been watched for long enough.
        jumps: steps of the timestamps that time does not explain, within the last minute;
            `jump_ms` is the widest of them.
        skipped: names of what comes and cannot be used.
    """

    tracks: tuple[TrackFacts, ...] = ()
    encoder: str = ""
    bitrate: int = 0
    bitrate_peak: int = 0
    bitrate_declared: int = 0
    speed_percent: int | None = None
    burst_ms: int = 0
    sound_late_ms: int | None = None
    drift_ms_per_minute: int | None = None
    jumps: int = 0
    jump_ms: int = 0
    skipped: tuple[str, ...] = ()

    @property
    def videos(self) -> tuple[TrackFacts, ...]:
        return tuple(one for one in self.tracks if one.track.kind is MediaKind.VIDEO)

    @property
    def sounds(self) -> tuple[TrackFacts, ...]:
        return tuple(one for one in self.tracks if one.track.kind is MediaKind.AUDIO)
