"""All rules about one observation."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from tests.hls_validator.files import Track, check_variants
from tests.hls_validator.observation import Loaded, Observation, Snapshot, names
from tests.hls_validator.playlist import MediaPlaylist, Part, Segment
from tests.hls_validator.reading import read_media_playlist, read_multivariant
from tests.hls_validator.reload import check_reload, check_skip, merged
from tests.hls_validator.renditions import check_aligned, check_multivariant, check_reports
from tests.hls_validator.rule import Rule, Violation
from tests.hls_validator.single import check_playlist

# How long an answer may be under way, in seconds.
_TRANSFER_SECONDS = 1.5


def validate(observation: Observation) -> list[Violation]:
    """What is broken, each finding once."""
    return list(dict.fromkeys(_validate(observation)))


def _validate(observation: Observation) -> Iterator[Violation]:
    called = names(list(observation.snapshots))
    loads: dict[str, list[Loaded]] = {}
    for url, snapshots in observation.snapshots.items():
        broken: list[Violation] = []
        loads[url] = load(called[url], url, snapshots, broken)
        yield from broken
        for before, after in pairwise(loads[url]):
            yield from check_reload(before.playlist, after.playlist, called[url])
    for probe in observation.probes:
        if probe.status not in probe.expected:
            yield probe.rule.broken(probe.what, f"status {probe.status}")
    yield from check_reports(loads)
    whole = {url: united(found) for url, found in loads.items() if found}
    media = {called[url]: one for url, one in whole.items() if not one.iframes_only}
    yield from check_aligned({name: one for name, one in media.items() if not _is_text(one)})
    yield from _files(observation, whole, loads, called)


def load(
    name: str, url: str, snapshots: Iterable[Snapshot], broken: list[Violation]
) -> list[Loaded]:
    """Those snapshots that are playlists, made whole; what is wrong with each goes to `broken`."""
    found: list[Loaded] = []
    for snapshot in snapshots:
        if snapshot.status != 200:
            broken += _unanswered(snapshot, found, name)
            continue
        sent, complaints = read_media_playlist(snapshot.text, name)
        before = found[-1].playlist if found else None
        playlist = merged(sent, before, name, broken)
        broken += complaints
        broken += check_skip(sent, asked=snapshot.reload.skip, where=name)
        if not playlist.skipped:
            broken += check_playlist(playlist, name)
            broken += _answered(snapshot, playlist, name)
            found.append(Loaded(name, url, snapshot.asked, snapshot.answered, playlist))
    return found


def _unanswered(snapshot: Snapshot, found: list[Loaded], name: str) -> Iterator[Violation]:
    """503 is what a blocked reload gets when nothing comes for too long (6.2.5.2)."""
    if not snapshot.reload.blocks:
        yield Rule.FILE_THERE.broken(name, f"status {snapshot.status}")
    elif snapshot.status != 503:
        yield Rule.RELOAD_ANSWERED.broken(name, f"{snapshot.reload}: status {snapshot.status}")
    if found:
        yield from _in_time(snapshot, found[-1].playlist, name)


def _answered(snapshot: Snapshot, playlist: MediaPlaylist, name: str) -> Iterator[Violation]:
    reload = snapshot.reload
    if reload.sequence is None:
        return
    if not playlist.ended and not _has(playlist, reload.sequence, reload.part):
        yield Rule.RELOAD_ANSWERED.broken(name, f"{reload}: the last is {playlist.last}")
    yield from _in_time(snapshot, playlist, name)


def _has(playlist: MediaPlaylist, sequence: int, part: int | None) -> bool:
    """A part beyond the last one of a segment is the first of the next."""
    behind = playlist.next_sequence - sequence
    if part is None or behind > 1:
        return behind > 0
    if behind == 1:
        return part < len(playlist.parts_of(sequence)) or bool(playlist.parts)
    return behind == 0 and part < len(playlist.parts)


def _in_time(snapshot: Snapshot, playlist: MediaPlaylist, name: str) -> Iterator[Violation]:
    waited = snapshot.answered - snapshot.asked
    if waited > 3 * playlist.target_duration + _TRANSFER_SECONDS:
        yield Rule.RELOAD_IN_TIME.broken(name, f"{snapshot.reload}: after {waited:.1f} s")


def united(loads: Iterable[Loaded]) -> MediaPlaylist:
    """Everything that a playlist ever had: all segments, each with all its parts."""
    segments: dict[int, Segment] = {}
    parts: dict[int, tuple[Part, ...]] = {}
    last: MediaPlaylist | None = None
    for loaded in loads:
        last = loaded.playlist
        for segment in last.segments:
            segments[segment.sequence] = segment
            parts[segment.sequence] = max(parts.get(segment.sequence, ()), segment.parts, key=len)
    assert last is not None, "there is at least one"
    found = [replace(segments[key], parts=parts[key]) for key in sorted(segments)]
    return replace(last, segments=tuple(found))


def _is_text(playlist: MediaPlaylist) -> bool:
    return any(one.uri.partition("?")[0].endswith(".vtt") for one in playlist.segments)


def _files(
    observation: Observation,
    whole: Mapping[str, MediaPlaylist],
    loads: Mapping[str, list[Loaded]],
    called: Mapping[str, str],
) -> Iterator[Violation]:
    tracks = {}
    for url, playlist in whole.items():
        tracks[url] = Track(called[url], url, observation.files)
        tracks[url].check(playlist)
        yield from tracks[url].broken
    if observation.multivariant:
        multivariant, broken = read_multivariant(observation.multivariant, "multivariant")
        yield from broken
        yield from check_multivariant(multivariant, "multivariant")
        newest = {url: found[-1] for url, found in loads.items() if found}
        yield from check_variants(multivariant, observation.url, tracks, newest)
