"""A ladder that the encoder itself sends, shown as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from media.ladder import why_track_is_not_passed_through
from media.transcode.alignment import TOLERANCE, Alignment
from media.transcode.keyframes import are_too_rare, keyframes_too_rare
from media.transcode.rendition import Rendition
from media.transcode.source_picture import SourcePicture
from media.units import Packet, Track


@dataclass(frozen=True, slots=True)
class SentTrack:
    """One video track of the publication; `name` is what its rendition is called."""

    number: int
    name: str
    track: Track


@dataclass(frozen=True, slots=True)
class LadderVerdict:
    """Whether the tracks become renditions as they are.

    Attributes:
        start: pts of the default track's first keyframe that all tracks have; counts without a
            `reason` only.
        reason: why not; empty when they do.
    """

    start: int = 0
    reason: str = ""


def sent_tracks(tracks: Mapping[int, Track]) -> tuple[SentTrack, ...]:
    """Tracks by number, each named for its short side, as encoded rungs are.

    Of several with the same side the first has the plain name.
    """
    named: list[SentTrack] = []
    for number, track in sorted(tracks.items()):
        name = f"{min(track.width, track.height)}p"
        same = sum(each.name.split("-")[0] == name for each in named)
        named.append(SentTrack(number, f"{name}-{same + 1}" if same else name, track))
    return tuple(named)


def judge_ladder(
    tracks: Mapping[int, Track],
    pictures: Mapping[int, Sequence[SourcePicture]],
    segment_ticks: int,
    *,
    ended: bool,
    overdue: bool,
) -> LadderVerdict | None:
    """Whether all tracks play everywhere, and have their keyframes together and often enough.

    Args:
        tracks, pictures: by number; of each track the packets so far, the first a keyframe.
        ended: nothing more comes.
        overdue: it has to be decided now.

    Returns:
        None while it takes more pictures to tell.
    """
    leader, *others = sorted(tracks)
    cuts = _refreshed(pictures[leader])
    reason = _why_not(tracks, pictures)
    if are_too_rare(cuts, _newest(pictures[leader]), segment_ticks):
        reason = reason or keyframes_too_rare(segment_ticks)
    apart = [each for each in others if any(_lacks(pictures[each], cut) for cut in cuts)]
    start = first_common_keyframe(pictures)
    if not reason and not apart and start is not None:
        following = [cut for cut in cuts if cut > start]
        if ended or (following and all(_has(pictures[each], following[0]) for each in others)):
            return LadderVerdict(start)
    if reason or apart or ended or overdue:
        return LadderVerdict(reason=reason or _keyframes_apart((apart or others)[0]))
    return None


def _why_not(
    tracks: Mapping[int, Track], pictures: Mapping[int, Sequence[SourcePicture]]
) -> str | None:
    """What keeps one of the tracks from being shown as it is."""
    for number, track in sorted(tracks.items()):
        why = why_track_is_not_passed_through(track)
        if why is None and not pictures[number][0].refresh:
            why = "its keyframes are not places where a player can start"
        if why is not None:
            return f"of video track {number}: {why}"
    return None


def first_common_keyframe(pictures: Mapping[int, Sequence[SourcePicture]]) -> int | None:
    """Pts of the default track's first keyframe that all tracks have; None without one."""
    leader, *others = sorted(pictures)
    for cut in _refreshed(pictures[leader]):
        if all(_has(pictures[number], cut) for number in others):
            return cut
    return None


def from_keyframe(pictures: Sequence[SourcePicture], start: int) -> Sequence[SourcePicture]:
    """The pictures from the keyframe at about `start` on."""
    for index, picture in enumerate(pictures):
        if picture.refresh and abs(picture.packet.pts - start) <= TOLERANCE:
            return pictures[index:]
    return ()


def _refreshed(pictures: Sequence[SourcePicture]) -> list[int]:
    return [one.packet.pts for one in pictures if one.refresh]


def _newest(pictures: Sequence[SourcePicture]) -> int:
    return max(one.packet.pts for one in pictures)


def _has(pictures: Sequence[SourcePicture], cut: int) -> bool:
    return any(abs(pts - cut) <= TOLERANCE for pts in _refreshed(pictures))


def _lacks(pictures: Sequence[SourcePicture], cut: int) -> bool:
    """Whether a track was there before and after a cut, and has no keyframe at it."""
    was_there = pictures[0].packet.pts < cut - TOLERANCE
    return was_there and _newest(pictures) > cut + TOLERANCE and not _has(pictures, cut)


def _keyframes_apart(number: int) -> str:
    return (
        f"the keyframes of video track {number} do not come together with those of the default "
        "one; give all of them the same frame rate and keyframe interval, and switch off keyframes "
        "at scene changes"
    )


class SentLadder:
    """The tracks of an epoch as renditions, cut together.

    Attributes:
        tracks: all that there were at its beginning.
    """

    def __init__(self, tracks: Sequence[SentTrack], segment_ticks: int) -> None:
        self.tracks = tuple(tracks)
        self._names = {each.number: each.name for each in tracks}
        self._alignment = Alignment([each.number for each in tracks], segment_ticks)

    @property
    def leader(self) -> int:
        """The number of the track whose keyframes decide."""
        return self._alignment.leader

    @property
    def lost(self) -> Mapping[int, str]:
        """Why tracks get no more packets, by number."""
        return self._alignment.retired

    def name(self, number: int) -> str:
        return self._names[number]

    def renditions(self) -> list[Rendition]:
        """Their bit rates are measured: encoders keep no ceiling that could be declared."""
        return [Rendition(each.name, each.track, 0, passed_through=True) for each in self.tracks]

    def push(self, picture: SourcePicture) -> list[tuple[str, Packet]]:
        """Take the next packet of its track; returns packets that are ready, by rendition."""
        return self._named(self._alignment.push(picture))

    def resume(self) -> list[tuple[str, Packet]]:
        """Another publication follows; returns what was held, by rendition."""
        return self._named(self._alignment.resume())

    def finish(self) -> list[tuple[str, Packet]]:
        """Nothing more comes; returns what was held, by rendition."""
        return self._named(self._alignment.finish())

    def take_undecided(self) -> list[SourcePicture]:
        """Give away what is held: the next epoch goes on with it."""
        return self._alignment.take_undecided()

    def _named(self, packets: Sequence[tuple[int, Packet]]) -> list[tuple[str, Packet]]:
        return [(self._names[number], packet) for number, packet in packets]
