"""Rules about the playlists of one asset, next to each other."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from urllib.parse import urljoin, urlsplit

from tests.hls_validator.observation import Loaded
from tests.hls_validator.playlist import Entry, MediaPlaylist, Multivariant, Segment
from tests.hls_validator.rule import Rule, Violation
from tests.hls_validator.single import DATE_TOLERANCE, dates, name_of

# Of a segment's duration, in seconds: renditions are cut at each one's own samples.
_ALIGNED_SECONDS = 0.1


def check_aligned(latest: Mapping[str, MediaPlaylist]) -> Iterator[Violation]:
    """By their names: what all of them have of one sequence number."""
    for (name, one), (other_name, other) in combinations(latest.items(), 2):
        where = f"{name} and {other_name}"
        theirs = {segment.sequence: segment for segment in other.segments}
        for segment in one.segments:
            if segment.sequence in theirs:
                yield from _aligned(segment, theirs[segment.sequence], where)
        mine, dated = dates(one), dates(other)
        for sequence in mine.keys() & dated.keys():
            if abs(mine[sequence] - dated[sequence]) > DATE_TOLERANCE:
                detail = f"segment {sequence}: {mine[sequence]} and {dated[sequence]}"
                yield Rule.RENDITIONS_ALIGNED.broken(where, detail)


def _aligned(one: Segment, other: Segment, where: str) -> Iterator[Violation]:
    if abs(one.duration - other.duration) > _ALIGNED_SECONDS:
        detail = f"{name_of(one)}: {one.duration} and {other.duration} s"
        yield Rule.RENDITIONS_ALIGNED.broken(where, detail)
    if one.discontinuities != other.discontinuities:
        detail = f"{name_of(one)}: {one.discontinuities} and {other.discontinuities} before it"
        yield Rule.RENDITIONS_ALIGNED.broken(where, detail)


def check_reports(loads: Mapping[str, Sequence[Loaded]]) -> Iterator[Violation]:
    """Each low-latency playlist reports all others of its kind, as they are then. By URL."""
    reporting = {
        url: [one for one in found if one.playlist.part_target is not None]
        for url, found in loads.items()
    }
    urls = {url for url, found in reporting.items() if found}
    for url in urls:
        for loaded in reporting[url]:
            if not loaded.playlist.ended:
                yield from _reports(loaded, urls - {url}, loads)


def _reports(
    loaded: Loaded, others: set[str], loads: Mapping[str, Sequence[Loaded]]
) -> Iterator[Violation]:
    where = loaded.name
    reported = {urljoin(loaded.url, one.uri): one for one in loaded.playlist.reports}
    if reported.keys() != others:
        wrong = sorted(reported.keys() ^ others)
        yield Rule.REPORTS.broken(where, f"missing or unknown: {', '.join(wrong)}")
    for one in loaded.playlist.reports:
        if urlsplit(one.uri).scheme or one.uri.startswith("/"):
            yield Rule.REPORTS.broken(where, f"{one.uri} is not relative")
    for url in reported.keys() & others:
        told = (reported[url].sequence, -1 if (part := reported[url].part) is None else part)
        earlier = [x.playlist.last for x in loads[url] if x.answered < loaded.asked]
        later = [x.playlist.last for x in loads[url] if x.asked > loaded.answered]
        # At the end parts are no longer listed, and what was reported cannot be looked up.
        if earlier and told < max(earlier):
            yield Rule.REPORT_TRUE.broken(where, f"{told}, but {max(earlier)} was there before")
        if later and _is_ahead(told, min(later)):
            yield Rule.REPORT_TRUE.broken(where, f"{told}, but {min(later)} was the last later")


def _is_ahead(told: tuple[int, int], later: tuple[int, int]) -> bool:
    return told > later if later[1] >= 0 else told[0] > later[0]


def check_multivariant(playlist: Multivariant, where: str) -> Iterator[Violation]:
    """What it says, without looking into what it names."""
    yield from _variants(playlist.variants, where)
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in playlist.media:
        groups.setdefault((entry.get("TYPE"), entry.get("GROUP-ID")), []).append(entry)
    for (type_, group), entries in groups.items():
        names = [entry.get("NAME") for entry in entries]
        defaults = sum(entry.get("DEFAULT") == "YES" for entry in entries)
        if len(set(names)) < len(names) or defaults > 1:
            yield Rule.MEDIA_UNIQUE.broken(where, f"{type_} {group}: {names}")
        if type_ == "SUBTITLES" and not all(entry.uri for entry in entries):
            yield Rule.ATTRIBUTE_REQUIRED.broken(where, f"{type_} {group} has no URI")
    for variant in playlist.variants:
        for type_ in ("AUDIO", "SUBTITLES", "VIDEO"):
            group = variant.get(type_)
            if group and (type_, group) not in groups:
                yield Rule.VARIANT_GROUP.broken(where, f"{variant.uri}: {type_} {group}")


def _variants(variants: Sequence[Entry], where: str) -> Iterator[Violation]:
    seen: set[str] = set()
    for variant in variants:
        if not variant.uri or variant.uri in seen:
            yield Rule.VARIANT_URI.broken(where, variant.uri or "none follows")
        seen.add(variant.uri)
        average = variant.get("AVERAGE-BANDWIDTH")
        if average and int(average) > int(variant.get("BANDWIDTH") or 0):
            detail = f"{variant.uri}: on average {average}"
            yield Rule.VARIANT_BANDWIDTH.broken(where, detail)
