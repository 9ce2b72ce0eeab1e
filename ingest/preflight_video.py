"""What is wrong with one video track of a publication."""

from ingest.preflight_facts import TrackFacts
from ingest.preflight_finding import Finding, Severity, bits, frames, seconds
from media.ladder import bitrate_max, why_not_passed_through
from media.transcode.observation import keyframe_interval_max
from media.transcode.plan import SEGMENT_TICKS
from media.units import VIDEO_TIMESCALE, Coding
from media.wire.nal import (
    MalformedConfiguration,
    parse_avc_configuration,
    parse_sequence_parameter_set,
)

_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
_KEYFRAME_MS_MAX = keyframe_interval_max(SEGMENT_TICKS) // _TICKS_PER_MS
_KEYFRAME_S = SEGMENT_TICKS // VIDEO_TIMESCALE
# Keyframes are the largest pictures: more than two of them in a second are paid for in sharpness.
_KEYFRAME_MS_MIN = 500
# A player that joins waits for a keyframe, and viewers see a live source seconds late anyway.
_B_FRAMES_MS_MAX = 200
# Encoders overshoot, and a game needs more than a talk: twice what we ourselves would spend.
_BITRATE_FACTOR = 2
# What nearly every connection carries, however small the picture is.
_BITRATE_HARMLESS = 1_500_000
_FRAME_RATE_PERCENT = 5
_UNEVEN_PERCENT = 5
_SHORT_SIDE_MAX = 1080

_NAMES = {Coding.HEVC: "HEVC (H.265)", Coding.AV1: "AV1", Coding.VP9: "VP9"}


def judge_video(facts: TrackFacts) -> list[Finding]:
    """The findings about one video track."""
    if facts.packets == 0:
        return [_keyframe_missing()]
    found = (rule(facts) for rule in _RULES)
    return [one for one in found if one is not None]


def _keyframe_missing() -> Finding:
    return Finding(
        "keyframe_missing",
        Severity.WARNING,
        "No keyframe has come yet, so there is no picture to show.",
        f"Set Keyframe Interval to {_KEYFRAME_S} s in OBS, Settings, Output, and start again.",
    )


def _keyframes(facts: TrackFacts) -> Finding | None:
    usual, longest = facts.keyframe_ms, facts.keyframe_ms_max
    cure = f"Set Keyframe Interval to {_KEYFRAME_S} s in OBS, Settings, Output."
    if facts.keyframes_unusable > 0:
        return Finding(
            "open_gop",
            Severity.WARNING,
            "Keyframes come that are no place to start: the pictures after them need earlier ones.",
            "Leave out open GOPs: take the option open-gop or open_gop from your encoder.",
        )
    if longest <= _KEYFRAME_MS_MAX:
        return _keyframes_often(usual)
    if usual is None or usual > _KEYFRAME_MS_MAX:
        distance = seconds(usual) if usual is not None else f"{seconds(longest)} or more"
        cause = f"A keyframe comes every {distance}: your picture has to be encoded again here."
        return Finding("gop_too_long", Severity.WARNING, cause, cure)
    cause = f"Keyframes mostly come every {seconds(usual)}, and once after {seconds(longest)}."
    return Finding("gop_irregular", Severity.WARNING, cause, f"{cure} 0 means whenever it likes.")


def _keyframes_often(usual_ms: int | None) -> Finding | None:
    if usual_ms is None or usual_ms >= _KEYFRAME_MS_MIN:
        return None
    return Finding(
        "gop_too_short",
        Severity.ADVICE,
        f"A keyframe comes every {seconds(usual_ms)}, which takes bits from the other pictures.",
        f"Set Keyframe Interval to {_KEYFRAME_S} s in OBS, Settings, Output.",
    )


def _b_frames(facts: TrackFacts) -> Finding | None:
    if facts.frames_per_1000_s == 0:
        return None
    delay_ms = facts.b_frames * 1_000_000 // facts.frames_per_1000_s
    if delay_ms <= _B_FRAMES_MS_MAX:
        return None
    return Finding(
        "b_frames",
        Severity.ADVICE,
        f"Your encoder holds each picture back for {seconds(delay_ms)}: it sends up to "
        f"{facts.b_frames} B-frames in a row.",
        "Set B-frames to 2 or fewer in OBS, Settings, Output (for x264: bframes=2).",
    )


def _bitrate(facts: TrackFacts) -> Finding | None:
    track = facts.track
    enough = bitrate_max(track.width, track.height, (facts.frames_per_1000_s, 1000))
    if facts.bitrate <= max(enough * _BITRATE_FACTOR, _BITRATE_HARMLESS):
        return None
    return Finding(
        "bitrate_too_high",
        Severity.ADVICE,
        f"Your picture takes {bits(facts.bitrate)}, which not every viewer can receive; "
        f"{bits(enough)} do for {track.width}x{track.height}.",
        f"Set Bitrate to {enough // 1000} kbit/s in OBS, Settings, Output.",
    )


def _frame_rate(facts: TrackFacts) -> Finding | None:
    numerator, denominator = facts.track.frame_rate
    declared, measured = numerator * 1000 // max(1, denominator), facts.frames_per_1000_s
    if facts.uneven_percent >= _UNEVEN_PERCENT:
        return Finding(
            "frame_rate_unstable",
            Severity.WARNING,
            f"{facts.uneven_percent} of 100 frames come late: frames are lost, or their rate "
            "changes.",
            "Look at OBS, Docks, Stats: lost frames there mean that the computer or the network "
            "is too slow. Take a smaller picture, fewer frames or a lower bitrate.",
        )
    if not (declared and measured):
        return None
    if abs(measured - declared) * 100 <= declared * _FRAME_RATE_PERCENT:
        return None
    return Finding(
        "frame_rate_differs",
        Severity.ADVICE,
        f"{frames(measured)} frames come in a second, and {frames(declared)} are announced.",
        "Set Common FPS Values in OBS, Settings, Video to what the computer manages.",
    )


def _coding(facts: TrackFacts) -> Finding | None:
    name = _NAMES.get(facts.coding) if facts.coding else None
    if name is not None:
        return Finding(
            "codec_transcoded",
            Severity.ADVICE,
            f"{name} does not play everywhere: it is decoded and encoded again here.",
            "Choose an H.264 encoder in OBS, Settings, Output, and your own picture is shown.",
        )
    reason = _why_not_passed_through(facts.track.extradata)
    if reason is None or facts.coding is not Coding.H264:
        return None
    return Finding(
        "profile_not_passed_through",
        Severity.ADVICE,
        f"Your picture has to be encoded again here: {reason}.",
        "Set Profile to high in OBS, Settings, Output, and Colour Format to NV12 in Advanced.",
    )


def _why_not_passed_through(record: bytes) -> str | None:
    try:
        sets = parse_avc_configuration(record).sequence_sets
        return why_not_passed_through(parse_sequence_parameter_set(sets[0]))
    except MalformedConfiguration as reason:
        return str(reason)


def _size(facts: TrackFacts) -> Finding | None:
    width, height = facts.track.width, facts.track.height
    if width % 2 or height % 2:
        cause = f"{width}x{height} has an odd side, which encoders cannot keep."
    elif min(width, height) > _SHORT_SIDE_MAX:
        cause = f"{width}x{height} is larger than most viewers can receive or show."
    else:
        return None
    return Finding(
        "size_unusual",
        Severity.ADVICE,
        cause,
        "Set Output (Scaled) Resolution in OBS, Settings, Video, to 1920x1080 or 1280x720.",
    )


_RULES = (_keyframes, _b_frames, _bitrate, _frame_rate, _coding, _size)
