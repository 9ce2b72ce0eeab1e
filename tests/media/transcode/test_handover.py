"""The sink hears of everything in order, but not before it is known what is made."""

from media.pictures import Picture, PictureKind
from media.transcode.handover import Handover
from media.transcode.rendition import Rendition
from media.units import Packet
from tests.media.transcode.synthetic import RecordingSink, audio_source, video_source

VIDEO = Rendition("360p", video_source().track, 0, passed_through=False)
AUDIO = Rendition("audio", audio_source().track, 0, passed_through=True)
POSTER = Picture(PictureKind.POSTER, b"\xff\xd8\xff\xd9", 16, 16, times=(0,))


def picture_packet(pts: int) -> Packet:
    return Packet(pts, pts, 0, keyframe=True, data=b"data", boundary=True)


def test_what_comes_early_is_held_and_handed_over_in_its_order() -> None:
    sink = RecordingSink()
    handover = Handover(sink)
    handover.packet("360p", picture_packet(0))
    handover.picture(POSTER)
    handover.packet("audio", audio_source().packets[0])
    assert handover.waiting == 3
    assert not sink.epochs
    handover.begin([VIDEO, AUDIO])
    handover.packet("360p", picture_packet(1))
    assert list(sink.epochs[0]) == ["360p", "audio"]
    assert sink.pictures("360p") == [0, 1]
    assert sink.posters == [POSTER]
    assert len(sink.kept[0]["audio"]) == 1
    assert handover.waiting == 0


def test_a_rendition_that_was_retired_before_the_beginning_is_not_heard_of() -> None:
    sink = RecordingSink()
    handover = Handover(sink)
    handover.packet("360p", picture_packet(0))
    handover.retire("360p", "too slow")
    handover.begin([VIDEO, AUDIO])
    handover.packet("360p", picture_packet(1))
    assert list(sink.epochs[0]) == ["audio"]
    assert not sink.retired
    assert handover.retired == {"360p": "too slow"}


def test_a_rendition_is_retired_once() -> None:
    sink = RecordingSink()
    handover = Handover(sink)
    handover.begin([VIDEO, AUDIO])
    handover.retire("360p", "too slow")
    handover.retire("360p", "still too slow")
    handover.packet("360p", picture_packet(0))
    assert sink.retired == {"360p": "too slow"}
    assert not sink.kept[0]["360p"]


def test_without_renditions_the_sink_hears_nothing() -> None:
    sink = RecordingSink()
    handover = Handover(sink)
    handover.packet("360p", picture_packet(0))
    handover.begin([])
    handover.picture(POSTER)
    handover.packet("360p", picture_packet(1))
    handover.retire("360p", "nobody cares")
    assert not sink.epochs
    assert handover.begun
