"""The tracks of a ladder become renditions with names of their own."""

from dataclasses import replace

from media.transcode.alignment import STOPPED
from media.transcode.sent_ladder import SentLadder, sent_tracks
from media.transcode.source_picture import SourcePicture
from media.units import Packet
from packager.naming import is_name
from tests.media.transcode.synthetic import video_source

SECOND = 90_000
TRACK = video_source(320, 180).track


def key(number: int, pts: int) -> SourcePicture:
    return SourcePicture(Packet(pts, pts, 0, keyframe=True, data=b""), refresh=True, number=number)


def test_renditions_are_named_for_their_short_side_and_each_name_is_used_once() -> None:
    sizes = {0: (1920, 1080), 1: (1280, 720), 2: (720, 1280), 5: (960, 720), 7: (640, 360)}
    tracks = {
        number: replace(TRACK, width=width, height=height)
        for number, (width, height) in sizes.items()
    }
    names = [(one.number, one.name) for one in sent_tracks(tracks)]
    assert names == [(0, "1080p"), (1, "720p"), (2, "720p-2"), (5, "720p-3"), (7, "360p")]
    assert all(is_name(name) for _, name in names)


def test_packets_come_out_by_rendition_and_a_lost_track_is_told() -> None:
    smaller = replace(TRACK, width=160, height=90)
    ladder = SentLadder(sent_tracks({0: TRACK, 1: smaller}), 2 * SECOND)
    assert [(one.name, one.passed_through) for one in ladder.renditions()] == [
        ("180p", True),
        ("90p", True),
    ]
    assert [name for name, _ in ladder.push(key(0, 0))] == ["180p"]
    assert [name for name, _ in ladder.push(key(1, 0))] == ["90p"]
    assert ladder.push(key(1, 2 * SECOND)) == []
    assert [name for name, _ in ladder.resume()] == ["90p"]
    assert [name for name, _ in ladder.push(key(0, 3 * SECOND))] == ["180p"]
    assert ladder.push(key(1, 5 * SECOND)) == []
    assert [one.number for one in ladder.take_undecided()] == [1]
    assert ladder.finish() == []
    ladder.push(key(0, 5 * SECOND))
    ladder.push(key(0, 10 * SECOND))
    assert ladder.lost == {1: STOPPED}
    assert ladder.name(1) == "90p"
    assert ladder.leader == 0
