"""Rules about a media playlist that is loaded again and again."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import zip_longest

from tests.hls_validator.playlist import MediaPlaylist, Segment
from tests.hls_validator.rule import Rule, Violation
from tests.hls_validator.single import DATE_TOLERANCE, dates, name_of


def merged(
    delta: MediaPlaylist, before: MediaPlaylist | None, where: str, broken: list[Violation]
) -> MediaPlaylist:
    """A delta update made whole, with what it skips taken from the playlist before it.

    What was said of skipped segments goes on behind them (6.3.7): maps, keys, discontinuities.
    """
    if not delta.skipped:
        return delta
    skipped = range(delta.media_sequence, delta.media_sequence + delta.skipped)
    kept = [one for one in (before.segments if before else ()) if one.sequence in skipped]
    if len(kept) != delta.skipped:
        detail = f"{delta.skipped} from {delta.media_sequence} are skipped, {len(kept)} were known"
        broken.append(Rule.SKIP_KNOWN.broken(where, detail))
        return delta
    segments = kept
    for segment in delta.segments:
        last = segments[-1]
        counted = last.discontinuities + segment.discontinuity
        segments.append(
            replace(
                segment,
                map=segment.map or last.map,
                key=segment.key or last.key,
                discontinuities=counted,
            )
        )
    return replace(delta, skipped=0, segments=tuple(segments))


def check_skip(delta: MediaPlaylist, *, asked: bool, where: str) -> Iterator[Violation]:
    """Of a playlist as it was sent."""
    if not delta.skipped:
        return
    boundary = delta.control.can_skip_until
    if not asked or boundary is None:
        yield Rule.SKIP_ASKED.broken(where, f"{delta.skipped} segments are skipped")
        return
    rest = sum((segment.duration for segment in delta.segments), Decimal(0))
    rest += sum((part.duration for part in delta.parts), Decimal(0))
    if rest < boundary:
        yield Rule.SKIP_BOUNDARY.broken(where, f"only the last {rest} s are listed")


def check_reload(before: MediaPlaylist, after: MediaPlaylist, where: str) -> Iterator[Violation]:
    """What may change from one load to a later one, both whole."""
    for rule, old, new in (
        (Rule.TARGET_CONSTANT, before.target_duration, after.target_duration),
        (Rule.PART_TARGET_CONSTANT, before.part_target, after.part_target),
        (Rule.CONTROL_CONSTANT, before.control, after.control),
        (Rule.TYPE_CONSTANT, before.type, after.type),
    ):
        # What has ended offers nothing any more, and may become a recording.
        if old != new and not after.ended:
            yield rule.broken(where, f"{old}, then {new}")
    if after.media_sequence < before.media_sequence:
        detail = f"{before.media_sequence}, then {after.media_sequence}"
        yield Rule.SEQUENCE_RISES.broken(where, detail)
    elif after.media_sequence > before.media_sequence and before.type == "EVENT":
        yield Rule.EVENT_KEPT.broken(where, f"begins with {after.media_sequence} now")
    if after.next_sequence < before.next_sequence:
        detail = f"ended before {before.next_sequence}, now before {after.next_sequence}"
        yield Rule.ONLY_APPENDED.broken(where, detail)
    if before.type == "VOD" and before != after:
        yield Rule.VOD_SAME.broken(where, "it is not what it was")
    yield from _same_segments(before, after, where)
    yield from _same_parts(before, after, where)


def _same_segments(before: MediaPlaylist, after: MediaPlaylist, where: str) -> Iterator[Violation]:
    now = {segment.sequence: segment for segment in after.segments}
    for segment in before.segments:
        other = now.get(segment.sequence)
        if other is None:
            continue
        if _identity(segment) != _identity(other):
            detail = f"{_identity(segment)}, then {_identity(other)}"
            yield Rule.SEGMENT_SAME.broken(f"{where} {name_of(segment)}", detail)
        if segment.discontinuities != other.discontinuities:
            detail = f"{segment.discontinuities} discontinuities, then {other.discontinuities}"
            yield Rule.DISCONTINUITY_SAME.broken(f"{where} {name_of(segment)}", detail)
    dated, known = dates(after), dates(before)
    for sequence in known.keys() & dated.keys():
        if abs(known[sequence] - dated[sequence]) > DATE_TOLERANCE:
            detail = f"segment {sequence}: {known[sequence]}, then {dated[sequence]}"
            yield Rule.DATE_SAME.broken(where, detail)


def _identity(segment: Segment) -> tuple[object, ...]:
    """What a sequence number stands for; a gap needs no map."""
    of_file = (segment.uri, segment.byte_range, segment.duration, segment.gap)
    needed = None if segment.gap else (segment.map, segment.key)
    return (*of_file, segment.discontinuity, needed)


def _same_parts(before: MediaPlaylist, after: MediaPlaylist, where: str) -> Iterator[Violation]:
    for sequence in range(before.media_sequence, before.next_sequence + 1):
        old, new = before.parts_of(sequence), after.parts_of(sequence)
        place = f"{where} segment {sequence}"
        if not new:
            if sequence == after.next_sequence and old:
                yield Rule.ONLY_APPENDED.broken(place, f"its {len(old)} parts are gone")
            continue
        for number, (one, other) in enumerate(zip_longest(old, new)):
            if one is not None and one != other:
                yield Rule.PART_SAME.broken(place, f"part {number}: {one}, then {other}")
    yield from _hinted(before, after, where)


def _hinted(before: MediaPlaylist, after: MediaPlaylist, where: str) -> Iterator[Violation]:
    """A segment may end where another part of it was hinted at: then that part never comes."""
    hint = before.hint()
    place = len(before.parts)
    came = after.parts_of(before.next_sequence)
    if hint is not None and place < len(came) and came[place].uri != hint.uri:
        detail = f"{hint.uri} was hinted at, {came[place].uri} came"
        yield Rule.HINT_KEPT.broken(f"{where} segment {before.next_sequence}", detail)
