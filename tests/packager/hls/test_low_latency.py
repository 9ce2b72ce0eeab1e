"""A live asset as players at its edge see it: parts, hints, blocked reloads, and how far back."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from media.units import VIDEO_TIMESCALE
from packager.archive import Archive
from packager.asset_terms import AssetTerms
from packager.hls.origin import Origin
from packager.library import Library
from packager.naming import PartPath, PlaylistPath, SegmentPath
from packager.package import BadReload, Charge, UnknownRendition, UnknownSegment
from tests.packager import fetching
from tests.packager.clip import Clip, audio_clip, decode, shifted, video_clip
from tests.packager.feeding import interleaved, renditions_of
from tests.packager.fetching import media_playlist
from tests.packager.hls.following import Follower, read

CLIPS = {
    "360p": video_clip(64, 36, b_frames=2),
    "720p": video_clip(128, 72, rate=30, keyframe_every=60),
    "audio": audio_clip(),
}


class Live:
    """An origin, fed up to a time of the clips; they begin at 10 s."""

    def __init__(self, origin: Origin, clips: dict[str, Clip]) -> None:
        self.origin = origin
        self._clips = clips
        self._left = iter(interleaved(clips))
        self._next = next(self._left, None)
        origin.begin(renditions_of(clips))

    def advance(self, seconds: float) -> None:
        for _ in self.steps(seconds):
            pass

    def steps(self, seconds: float) -> Iterator[None]:
        while self._next is not None:
            name, packet = self._next
            if packet.dts / self._clips[name].track.timescale >= seconds:
                return
            self.origin.packet(name, packet)
            self._next = next(self._left, None)
            yield

    def playlist(self, rendition: str = "360p", *, skip: bool = False) -> str:
        text = self.origin.playlist(PlaylistPath(rendition), skip=skip)
        return fetching.beside(text, rendition)


def live(library: Library, clips: dict[str, Clip] = CLIPS, terms: AssetTerms | None = None) -> Live:
    return Live(library.start_live("ast_1", terms or AssetTerms()), clips)


def laps(clip: Clip, count: int) -> Clip:
    """A clip of 8 s again and again."""
    scale = clip.track.timescale
    packets = [shifted(clip.packets, 8 * scale * lap) for lap in range(count)]
    return replace(clip, packets=tuple(each for lap in packets for each in lap))


async def test_parts_are_the_segment_that_they_become(library: Library) -> None:
    """A player that loads each part as soon as it is listed has what another has of the segment."""
    stage = live(library)
    followers = {name: Follower() for name in CLIPS}
    loaded: dict[str, dict[str, bytes]] = {name: {} for name in CLIPS}
    charges: dict[str, list[Charge]] = {name: [] for name in CLIPS}
    for _ in stage.steps(20):
        for name, follower in followers.items():
            if name not in stage.origin.renditions():
                continue
            for listed in follower.look(stage.playlist(name)).segments:
                for number, (uri, _, _) in enumerate(listed.parts):
                    if uri not in loaded[name]:
                        part = PartPath(name, listed.sequence, number)
                        file = stage.origin.file_at_hand(part)
                        assert file is not None
                        assert file.charge is not None
                        assert file.charge.prompt
                        loaded[name][uri] = file.body
                        charges[name].append(file.charge)
    for name, clip in CLIPS.items():
        for sequence in range(3):
            parts = [body for uri, body in loaded[name].items() if uri.startswith(f"{sequence}.")]
            assert len(parts) >= 9
            segment = await fetching.segment(stage.origin, name, sequence)
            assert b"".join(parts) == segment.body
            billed = [each for each in charges[name] if each.sequence == sequence]
            assert all(a.end == b.start for a, b in pairwise(billed))
            height = CLIPS[name].track.short_side
            assert {each.height for each in billed} == {height}
            assert segment.charge == Charge(
                sequence, billed[0].start, billed[-1].end, height=height
            )
        init = await fetching.init(stage.origin, name, "init-0.mp4")
        decoded = decode(init + b"".join(loaded[name].values()))
        sent = [(each.dts, each.pts) for each in clip.packets]
        skipped = 1 if name == "audio" else 0
        assert decoded.times == sent[skipped : len(decoded.times) + skipped]
        # Each is nearly as long as was promised, but for the last ones of segments.
        for listed in followers[name].seen.values():
            durations = [duration for _, duration, _ in listed.parts]
            assert all(float(each) >= 0.85 * 0.21 for each in durations[:-1])
            assert listed.duration in (None, sum(durations))


async def test_who_waits_is_told_once_it_is_there(library: Library) -> None:
    stage = live(library, {"360p": CLIPS["360p"]})
    stage.advance(14.5)
    assert read(stage.playlist()).hint == "2.2.m4s"
    told: list[tuple[int, int | None]] = []
    for place in ((2, 2), (2, 3), (2, None), (2, 12), (3, 0), (3, None)):
        arrival = stage.origin.arrival("360p", *place)
        assert arrival is not None
        assert arrival is stage.origin.arrival("360p", *place)

        def tell(place: tuple[int, int | None] = place) -> None:
            assert stage.origin.arrival("360p", *place) is None
            told.append(place)

        arrival.then(tell)
    for place in ((0, None), (1, None), (0, 3), (1, 40), (2, 0), (2, 1)):
        assert stage.origin.arrival("360p", *place) is None
    stage.advance(14.7)
    assert told == [(2, 2)]
    stage.advance(16.0)
    assert told == [(2, 2), (2, 3), (2, None)]
    stage.advance(16.2)
    # A part after a segment's last one is the first of the next (rfc8216bis, 6.2.5.2).
    assert told[3:] == [(2, 12), (3, 0)]
    stage.origin.end()
    assert told[5:] == [(3, None)]
    assert stage.origin.arrival("360p", 40, 7) is None


async def test_what_is_too_far_ahead_is_refused(library: Library) -> None:
    stage = live(library, {"360p": CLIPS["360p"]})
    stage.advance(14.5)
    # Three seconds of parts of 210 ms, and two segments (rfc8216bis, 6.2.5.2).
    for place in ((2, 15), (3, 13), (3, None)):
        assert stage.origin.arrival("360p", *place) is not None
    for place in ((2, 16), (3, 14), (4, 0), (4, None)):
        with pytest.raises(BadReload):
            stage.origin.arrival("360p", *place)
    with pytest.raises(UnknownRendition):
        stage.origin.arrival("1080p", 0, None)


async def test_a_hinted_part_is_waited_for_and_no_other(library: Library) -> None:
    stage = live(library, {"360p": CLIPS["360p"], "720p": CLIPS["720p"]})
    stage.advance(14.5)
    waiting = asyncio.ensure_future(stage.origin.file(PartPath("360p", 2, 2)))
    await asyncio.sleep(0)
    for sequence, part in ((2, 3), (3, 0), (0, 99)):
        with pytest.raises(UnknownSegment):
            await stage.origin.file(PartPath("360p", sequence, part))
    assert not waiting.done()
    stage.advance(14.7)
    file = await waiting
    assert file == stage.origin.file_at_hand(PartPath("360p", 2, 2))
    # Of what is retired nothing comes any more; the end makes a part of what there is.
    retired = asyncio.ensure_future(stage.origin.file(PartPath("720p", 2, 3)))
    ended = asyncio.ensure_future(stage.origin.file(PartPath("360p", 2, 3)))
    await asyncio.sleep(0)
    stage.origin.retire("720p", "too slow")
    with pytest.raises(UnknownSegment):
        await retired
    stage.origin.end()
    last = (await ended).charge
    assert last is not None
    assert (last.sequence, last.start) == (2, 14.6 * VIDEO_TIMESCALE)
    with pytest.raises(UnknownSegment):
        await stage.origin.file(PartPath("360p", 2, 4))


async def test_the_others_playlists_are_told_of_and_nothing_more_when_it_has_ended(
    library: Library,
) -> None:
    stage = live(library)
    stage.advance(14.5)
    text = stage.playlist()
    assert '#EXT-X-RENDITION-REPORT:URI="../720p/index.m3u8",LAST-MSN=2,LAST-PART=1' in text
    assert '#EXT-X-RENDITION-REPORT:URI="../audio/index.m3u8",LAST-MSN=2,LAST-PART=' in text
    assert "CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=18.0,HOLD-BACK=9.0,PART-HOLD-BACK=0.630" in text
    assert "#EXT-X-PART-INF:PART-TARGET=0.210\n" in text
    assert stage.origin.playlist(PlaylistPath("360p")) is stage.origin.playlist(
        PlaylistPath("360p")
    )
    stage.origin.retire("720p", "too slow")
    assert "720p" not in stage.playlist()
    stage.origin.end()
    text = stage.playlist()
    assert text.endswith("#EXT-X-ENDLIST\n")
    for tag in ("PART", "PRELOAD", "RENDITION-REPORT", "SERVER-CONTROL"):
        assert f"#EXT-X-{tag}" not in text


async def test_a_viewer_goes_back_as_far_as_the_terms_say(
    library: Library, archive: Archive
) -> None:
    """What is old costs a part nothing: its text is the very same. Its bytes are on disk."""
    clip = {"360p": laps(video_clip(64, 36), 25)}
    stage = live(library, clip, AssetTerms(dvr_ms=60_000))
    follower = Follower()
    stage.advance(12.5)
    texts = [stage.origin.playlist(PlaylistPath("360p"))]
    now = delta = read(stage.playlist())
    for _ in stage.steps(10 + 196):
        text = stage.origin.playlist(PlaylistPath("360p"))
        if text is not texts[-1]:
            texts.append(text)
            now = follower.look(fetching.beside(text, "360p"))
            delta = read(stage.playlist(skip=True))
            assert delta.segments == now.segments[delta.skipped :]
            assert delta.head["#EXT-X-MEDIA-SEQUENCE"] == now.head["#EXT-X-MEDIA-SEQUENCE"]
            assert delta.head["#EXT-X-VERSION"] == ("9" if delta.skipped else "8")
    assert "#EXT-X-PLAYLIST-TYPE" not in now.head
    complete = [each for each in now.segments if each.duration is not None]
    assert len(complete) == 30
    assert delta.skipped == 21
    for one, other in pairwise(texts[-5:]):
        kept = {id(pieces) for _, pieces in one.runs}
        assert sum(id(pieces) in kept for _, pieces in other.runs) >= len(other.runs) - 4
    await archive.flush()
    first = complete[0].sequence
    file = await stage.origin.file(SegmentPath("360p", first))
    assert file.charge == Charge(
        first,
        (10 + 2 * first) * VIDEO_TIMESCALE,
        (12 + 2 * first) * VIDEO_TIMESCALE,
        height=CLIPS["360p"].track.short_side,
    )
    assert stage.origin.file_at_hand(SegmentPath("360p", first)) is None


async def test_an_event_shows_all_from_its_beginning_and_begins_at_its_end(
    library: Library,
) -> None:
    stage = live(library, {"360p": laps(video_clip(64, 36), 10)}, AssetTerms(dvr_ms=None))
    stage.advance(80)
    now = read(stage.playlist())
    assert now.head["#EXT-X-PLAYLIST-TYPE"] == "EVENT"
    assert now.head["#EXT-X-MEDIA-SEQUENCE"] == "0"
    assert len(now.segments) == 35
    assert "#EXT-X-START" not in now.head


async def test_an_epoch_s_first_part_comes_after_the_tags_of_its_segment(library: Library) -> None:
    stage = live(library, {"360p": video_clip(64, 36)})
    stage.advance(20)
    follower = Follower()
    follower.look(stage.playlist())
    other = video_clip(80, 48)
    stage.origin.begin(renditions_of({"360p": other}))
    for packet in shifted(other.packets, 8 * VIDEO_TIMESCALE)[:20]:
        stage.origin.packet("360p", packet)
        follower.look(stage.playlist())
    lines = stage.playlist().splitlines()
    first = next(index for index, line in enumerate(lines) if '"4.0.m4s"' in line)
    assert [line.partition(":")[0] for line in lines[first - 3 : first]] == [
        "#EXT-X-DISCONTINUITY",
        "#EXT-X-PROGRAM-DATE-TIME",
        "#EXT-X-MAP",
    ]


async def test_a_worker_that_comes_back_otherwise_leaves_a_gap(library: Library) -> None:
    """It dies within a segment that has parts; its successor's pictures have other times."""
    clip = video_clip(64, 36)
    stage = live(library, {"360p": replace(clip, packets=clip.packets[:140])})
    stage.advance(20)
    assert read(stage.playlist()).hint == "2.7.m4s"
    follower = Follower()
    follower.look(stage.playlist())
    for packet in clip.packets[100:]:
        late = packet if packet.boundary else replace(packet, pts=packet.pts + 1)
        stage.origin.packet("360p", late)
        follower.look(stage.playlist())
    lost = follower.seen[2]
    assert (lost.gap, [missing for *_, missing in lost.parts]) == (True, [False] * 7 + [True] * 3)
    assert sum(duration for _, duration, _ in lost.parts) == lost.duration == 2
    with pytest.raises(UnknownSegment):
        await stage.origin.file(SegmentPath("360p", 2))
    assert stage.origin.file_at_hand(PartPath("360p", 2, 6)) is not None
    assert stage.origin.file_at_hand(PartPath("360p", 2, 7)) is None
    assert media_playlist(stage.origin, "360p").count("#EXT-X-GAP") == 1
