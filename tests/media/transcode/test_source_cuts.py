"""A source says where segments start."""

from media.transcode.source_cuts import SourceCuts
from media.transcode.source_picture import SourcePicture
from media.units import Packet

SECOND = 90_000


def cuts(cuts: SourceCuts, *pictures: tuple[float, bool, bool]) -> list[float]:
    """Where it is cut; pictures are (seconds, keyframe, refresh)."""
    found = []
    for seconds, keyframe, refresh in pictures:
        pts = int(seconds * SECOND)
        if cuts.is_boundary(SourcePicture(Packet(pts, pts, 0, keyframe, b""), refresh)):
            found.append(seconds)
    return found


KEYS = [(0, True, True), (1, False, False), (2, True, True), (3, True, True), (4, True, False)]


def test_a_source_that_is_passed_through_is_cut_where_decoding_can_start() -> None:
    assert cuts(SourceCuts(2 * SECOND, passed_through=True), *KEYS, (5, True, True)) == [0, 2, 5]


def test_encoders_find_places_by_themselves() -> None:
    assert cuts(SourceCuts(2 * SECOND, passed_through=False), *KEYS) == []


def test_another_publication_starts_a_segment_unless_one_has_only_just_begun() -> None:
    for passed_through in (True, False):
        made = SourceCuts(2 * SECOND, passed_through=passed_through)
        cuts(made, *KEYS)
        made.resume()
        assert cuts(made, (5, False, False), (5.1, True, True), (5.2, True, True)) == [5.1]
    made = SourceCuts(2 * SECOND, passed_through=True)
    cuts(made, *KEYS)
    made.resume()
    assert cuts(made, (2.2, True, True), (4.4, True, True)) == [4.4]
