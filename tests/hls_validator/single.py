"""Rules that one media playlist keeps by itself."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from tests.hls_validator.playlist import MediaPlaylist, Part, Segment
from tests.hls_validator.rule import Rule, Violation

# Durations are printed in microseconds, rounded, and dates in milliseconds.
ROUNDING = Decimal("0.000002")
DATE_TOLERANCE = timedelta(milliseconds=10)
_FRAGMENTED = (".m4s", ".mp4", ".cmfv", ".cmfa")
_PART_SHARE_MIN = Decimal("0.85")


def check_playlist(playlist: MediaPlaylist, where: str) -> Iterator[Violation]:
    """Everything but what needs another playlist, or a file."""
    yield from _segments(playlist, where)
    yield from _dates(playlist, where)
    yield from _ends(playlist, where)
    yield from _control(playlist, where)
    if playlist.part_target is None:
        if playlist.parts or any(segment.parts for segment in playlist.segments):
            yield Rule.PART_INF.broken(where, "parts, but no EXT-X-PART-INF")
    else:
        yield from _parts(playlist, playlist.part_target, where)


def name_of(segment: Segment) -> str:
    return f"segment {segment.sequence}"


def _segments(playlist: MediaPlaylist, where: str) -> Iterator[Violation]:
    files = Counter((segment.uri, segment.byte_range) for segment in playlist.segments)
    files.update((part.uri, "") for segment in playlist.segments for part in segment.parts)
    for (uri, _), count in files.items():
        if count > 1:
            yield Rule.URI_UNIQUE.broken(where, f"{uri} is listed {count} times")
    for segment in playlist.segments:
        if segment.duration.quantize(Decimal(1), ROUND_HALF_UP) > playlist.target_duration:
            detail = f"{name_of(segment)} lasts {segment.duration} s"
            yield Rule.DURATION_WITHIN_TARGET.broken(where, detail)
        yield from _map(segment, where)


def _map(segment: Segment, where: str) -> Iterator[Violation]:
    fragmented = segment.uri.partition("?")[0].endswith(_FRAGMENTED)
    if segment.map is None:
        if fragmented and not segment.gap:
            yield Rule.MAP_REQUIRED.broken(where, name_of(segment))
    elif (key := segment.map.key) is not None and key.method == "AES-128" and key.iv is None:
        yield Rule.MAP_ENCRYPTED.broken(where, f"{segment.map.uri} under {key.uri}")


def dates(playlist: MediaPlaylist) -> dict[int, datetime]:
    """When each segment was made, as far as is said: dates go on until a discontinuity."""
    found: dict[int, datetime] = {}
    date: datetime | None = None
    for segment in playlist.segments:
        if segment.discontinuity:
            date = None
        date = segment.date or date
        if date is not None:
            found[segment.sequence] = date
            date += timedelta(seconds=float(segment.duration))
    return found


def _dates(playlist: MediaPlaylist, where: str) -> Iterator[Violation]:
    known = dates(playlist)
    for before, segment in pairwise(playlist.segments):
        if segment.date is None or segment.discontinuity or before.sequence not in known:
            continue
        expected = known[before.sequence] + timedelta(seconds=float(before.duration))
        if abs(segment.date - expected) > DATE_TOLERANCE:
            detail = f"{name_of(segment)} is of {segment.date}, not of {expected}"
            yield Rule.DATE_CONTINUOUS.broken(where, detail)


def _ends(playlist: MediaPlaylist, where: str) -> Iterator[Violation]:
    if playlist.type == "VOD" and not playlist.ended:
        yield Rule.VOD_ENDED.broken(where, "no EXT-X-ENDLIST")
    if playlist.ended and playlist.hints:
        yield Rule.HINT_ENDED.broken(where, playlist.hints[0].uri)
    for type_, count in Counter(hint.type for hint in playlist.hints).items():
        if count > 1:
            yield Rule.HINT_ONCE.broken(where, f"{count} of {type_}")
    lasting = sum((segment.duration for segment in playlist.segments), Decimal(0))
    if playlist.start is not None and not playlist.skipped and abs(playlist.start) > lasting:
        yield Rule.START_WITHIN.broken(where, f"{playlist.start} of {lasting} s")


def _control(playlist: MediaPlaylist, where: str) -> Iterator[Violation]:
    control, target = playlist.control, playlist.target_duration
    if control.hold_back is not None and control.hold_back < 3 * target:
        yield Rule.HOLD_BACK.broken(where, f"{control.hold_back} s of {target} s")
    if control.can_skip_until is not None and control.can_skip_until < 6 * target:
        yield Rule.CAN_SKIP_UNTIL.broken(where, f"{control.can_skip_until} s of {target} s")


def _parts(playlist: MediaPlaylist, target: Decimal, where: str) -> Iterator[Violation]:
    hold_back = playlist.control.part_hold_back
    if hold_back is None or hold_back < 3 * target:
        yield Rule.PART_HOLD_BACK.broken(where, f"{hold_back} s of {target} s")
    if not playlist.ended and not (playlist.control.can_block and playlist.hint()):
        yield Rule.BLOCKING_OFFERED.broken(where, "no CAN-BLOCK-RELOAD, or no hint")
    yield from _part_durations(playlist.parts, target, f"{where} segment {playlist.next_sequence}")
    for segment in playlist.segments:
        place = f"{where} {name_of(segment)}"
        if segment.tags_late:
            yield Rule.PART_TAGS_FIRST.broken(place, "a tag comes after its first part")
        if segment.parts:
            yield from _part_durations(segment.parts, target, place)
            lasting = sum((part.duration for part in segment.parts), Decimal(0))
            if abs(lasting - segment.duration) > ROUNDING * (1 + len(segment.parts)):
                yield Rule.PARTS_SUM.broken(place, f"{lasting} s of {segment.duration} s")
    if not playlist.ended:
        yield from _parts_near_the_end(playlist, where)


def _part_durations(parts: tuple[Part, ...], target: Decimal, where: str) -> Iterator[Violation]:
    """The last part may be as short as it likes: it is that of its segment, or may become it."""
    for number, part in enumerate(parts):
        if part.duration > target + ROUNDING:
            yield Rule.PART_SHORT_ENOUGH.broken(where, f"part {number}: {part.duration} s")
        free = part.independent or part.gap or number == len(parts) - 1
        if part.duration < _PART_SHARE_MIN * target - ROUNDING and not free:
            yield Rule.PART_LONG_ENOUGH.broken(where, f"part {number}: {part.duration} s")


def _parts_near_the_end(playlist: MediaPlaylist, where: str) -> Iterator[Violation]:
    """A segment's parts are taken as one: how far its end is from the playlist's counts."""
    behind = sum((part.duration for part in playlist.parts), Decimal(0))
    near = 3 * playlist.target_duration
    for segment in reversed(playlist.segments):
        detail = f"{name_of(segment)} ends {behind} s before the end"
        if not segment.parts and not segment.gap and behind + segment.duration <= near:
            yield Rule.PARTS_KEPT.broken(where, detail)
        if segment.parts and behind > near + playlist.target_duration:
            yield Rule.PARTS_DROPPED.broken(where, detail)
        behind += segment.duration
