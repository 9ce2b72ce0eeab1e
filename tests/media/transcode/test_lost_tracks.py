"""A track that a ladder has lost is tried again, if that may be of use."""

from config.limits import TRANSCODE_RETRY_MS
from media.transcode.alignment import DRIFTED, STOPPED
from media.transcode.lost_tracks import LostTracks


def test_a_track_that_stopped_may_return_after_a_while() -> None:
    lost = LostTracks()
    assert not lost.may_return(1, TRANSCODE_RETRY_MS * 9)
    lost.add(1, STOPPED, 1000)
    assert 1 in lost
    assert not lost.may_return(1, 1000 + TRANSCODE_RETRY_MS)
    assert lost.may_return(1, 1001 + TRANSCODE_RETRY_MS)
    lost.forget(1)
    lost.forget(1)
    assert 1 not in lost


def test_a_track_that_drifted_stays_lost() -> None:
    lost = LostTracks()
    lost.add(2, DRIFTED, 0)
    assert not lost.may_return(2, TRANSCODE_RETRY_MS * 9)
