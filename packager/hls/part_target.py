"""How long parts may be: one figure, fixed for an asset's life when its first epoch begins."""

from collections.abc import Sequence

from media.units import VIDEO_TIMESCALE, MediaKind, Track

_TICKS_A_MS = VIDEO_TIMESCALE // 1000
# RTMP stamps in milliseconds, and encoders are not always on time: a part of the right number of
# pictures must never come out longer than was promised.
_MARGIN_MAX = 10 * _TICKS_A_MS
# 29.97 pictures a second are nearly 30.
_ABOVE_PERCENT_MAX = 1
# Nearly all parts have to be so long (rfc8216bis, 4.4.4.9).
_FILLED_PERCENT_MIN = 85
# AAC (ISO 14496-3, 4.5.1.1).
_FRAME_SAMPLES = 1024


def part_target(tracks: Sequence[Track], wished_ms: int, target_duration: int) -> int:
    """PART-TARGET in 1/90000 s, in whole milliseconds.

    As many pictures of the first video track as last about as long as wished, and a margin. Where
    whole frames of sound would not fill that, it is as long as one more of them.

    Args:
        tracks: at least one.
        wished_ms: for want of a known frame rate, this it is.
        target_duration: of the playlists, in whole seconds; no part is longer.
    """
    video = [track for track in tracks if track.kind is MediaKind.VIDEO]
    media = _media(wished_ms * _TICKS_A_MS, *_rate((video or tracks)[0]))
    target = _whole_ms(media + min(_MARGIN_MAX, media // 10))
    for track in tracks:
        if track.kind is MediaKind.AUDIO:
            target = _whole_ms(_filled(target, track.timescale))
    return min(target, target_duration * VIDEO_TIMESCALE)


def cut_limit(target: int) -> int:
    """What parts of pictures aim at, in 1/90000 s: half of the margin is for what comes late."""
    return target - min(_MARGIN_MAX, target // 10) // 2


def _whole_ms(ticks: int) -> int:
    """Rounded up."""
    return -(-ticks // _TICKS_A_MS) * _TICKS_A_MS


def _rate(track: Track) -> tuple[int, int]:
    """Pictures or frames of sound as (count, in so many seconds); (0, 1) when unknown."""
    if track.kind is MediaKind.VIDEO:
        return track.frame_rate
    return track.timescale, _FRAME_SAMPLES


def _media(wished: int, count: int, seconds: int) -> int:
    """Whole frames that last about as long as wished, rounded up; at least one."""
    if count <= 0 or seconds <= 0:
        return wished
    most = wished * (100 + _ABOVE_PERCENT_MAX) // 100
    frames = max(1, most * count // (VIDEO_TIMESCALE * seconds))
    return -(-frames * VIDEO_TIMESCALE * seconds // count)


def _filled(target: int, sample_rate: int) -> int:
    frame = _FRAME_SAMPLES * VIDEO_TIMESCALE
    frames = target * sample_rate // frame
    if frames * frame * 100 >= _FILLED_PERCENT_MIN * target * sample_rate:
        return target
    return -(-(frames + 1) * frame // sample_rate)
