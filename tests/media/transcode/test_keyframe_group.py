"""The group of pictures that a source's encoders would have to begin with."""

from config.limits import KEYFRAME_GROUP_PACKETS_MAX
from media.transcode.keyframe_group import KeyframeGroup
from media.transcode.source_picture import SourcePicture
from media.units import Packet


def picture(pts: int, *, refresh: bool = False) -> SourcePicture:
    return SourcePicture(Packet(pts, pts, 0, keyframe=refresh, data=b""), refresh)


def test_a_group_begins_at_each_place_where_a_decoder_can_start() -> None:
    group = KeyframeGroup()
    for one in (picture(0, refresh=True), picture(10), picture(20, refresh=True), picture(40)):
        group.add(one)
    assert [one.packet.pts for one in group.pictures] == [20, 40]
    assert (group.shown_pts, group.duration) == (40, 20)


def test_a_group_that_is_too_long_keeps_its_beginning() -> None:
    group = KeyframeGroup()
    group.add(picture(0, refresh=True))
    for pts in range(1, KEYFRAME_GROUP_PACKETS_MAX + 9):
        group.add(picture(pts))
    assert len(group.pictures) == KEYFRAME_GROUP_PACKETS_MAX
    assert group.duration == KEYFRAME_GROUP_PACKETS_MAX + 8
