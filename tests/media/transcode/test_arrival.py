"""Another publication is held until its place in time is clear."""

from config.limits import OBSERVED_PACKETS_MAX
from media.stream import PacketReceived, TrackAnnounced
from media.transcode.arrival import Arrival
from media.units import MediaKind, Packet, Track

VIDEO = Track(MediaKind.VIDEO, "avc1.64001f", 90_000, b"a")
AUDIO = Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"b")
PICTURE, SOUND = (MediaKind.VIDEO, 0), (MediaKind.AUDIO, 0)


def packet(track: Track, seconds: float) -> PacketReceived:
    dts = round(seconds * track.timescale)
    return PacketReceived(track.kind, Packet(dts, dts, 0, True, b""))


def test_it_is_complete_when_all_tracks_of_the_one_before_have_begun() -> None:
    arrival = Arrival([PICTURE, SOUND])
    events: list[TrackAnnounced | PacketReceived] = [
        TrackAnnounced(VIDEO),
        packet(VIDEO, 5),
        packet(VIDEO, 5.04),
        TrackAnnounced(AUDIO),
        packet(AUDIO, 5.02),
    ]
    for event in events:
        assert not arrival.is_complete
        arrival.take(event)
    assert arrival.is_complete
    assert arrival.events == events
    assert arrival.tracks == {PICTURE: VIDEO, SOUND: AUDIO}
    assert {lane: one.dts for lane, (one, _) in arrival.starts.items()} == {
        PICTURE: 450_000,
        SOUND: 240_960,
    }


def test_a_track_that_it_announces_itself_is_waited_for() -> None:
    arrival = Arrival([PICTURE])
    for event in (TrackAnnounced(VIDEO), TrackAnnounced(AUDIO), packet(VIDEO, 0)):
        arrival.take(event)
    assert arrival.starts.keys() == {PICTURE}
    before = arrival.is_complete
    arrival.take(packet(AUDIO, 0))
    assert (before, arrival.is_complete) == (False, True)


def test_a_track_that_does_not_come_is_waited_for_a_second() -> None:
    arrival = Arrival([PICTURE, SOUND])
    arrival.take(TrackAnnounced(VIDEO))
    arrival.take(packet(VIDEO, 7))
    arrival.take(packet(VIDEO, 7.9))
    before = arrival.is_complete
    arrival.take(packet(VIDEO, 8))
    assert (before, arrival.is_complete) == (False, True)
    assert arrival.tracks.keys() == {PICTURE}


def test_packets_that_nothing_announced_are_left_out() -> None:
    arrival = Arrival([])
    arrival.take(packet(VIDEO, 0))
    assert (arrival.is_complete, arrival.events) == (False, [])


def test_what_is_held_is_bounded() -> None:
    arrival = Arrival([PICTURE, SOUND])
    arrival.take(TrackAnnounced(VIDEO))
    taken = 0
    while not arrival.is_complete:
        arrival.take(packet(VIDEO, 0))
        taken += 1
    assert taken == OBSERVED_PACKETS_MAX - 1
