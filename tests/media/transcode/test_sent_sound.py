from dataclasses import replace

from media.transcode.sent_sound import SilentTracks, sent_sounds
from media.units import VIDEO_TIMESCALE, MediaKind, Track

SECOND = VIDEO_TIMESCALE
AAC = Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"", channels=2, sample_rate=48_000)
OPUS = replace(AAC, codec="opus")


def names(**tracks: Track) -> list[tuple[int, str]]:
    numbered = {int(name.removeprefix("n")): track for name, track in tracks.items()}
    return [(each.number, each.name) for each in sent_sounds(numbered)]


def test_the_lowest_number_is_the_default_and_the_others_are_named_by_theirs() -> None:
    assert names() == []
    assert names(n3=AAC) == [(3, "audio")]
    assert names(n2=AAC, n0=AAC, n1=AAC) == [(0, "audio"), (1, "audio-2"), (2, "audio-3")]
    assert names(n2=AAC, n1=AAC) == [(1, "audio"), (2, "audio-3")]


def test_only_the_default_is_encoded_again() -> None:
    assert names(n0=OPUS, n1=AAC, n2=OPUS) == [(0, "audio"), (1, "audio-2")]


def test_a_track_has_stopped_when_others_go_on_for_long() -> None:
    tracks = SilentTracks([0, 1, 2])
    assert tracks.heard(0, 10 * SECOND) == []
    assert tracks.heard(1, 11 * SECOND) == []
    assert tracks.heard(0, 14 * SECOND) == []
    assert tracks.heard(0, 14 * SECOND + 1) == [2]
    assert tracks.heard(2, 15 * SECOND) == []
    assert tracks.heard(0, 16 * SECOND) == [1]
    assert tracks.heard(0, 99 * SECOND) == []


def test_all_may_begin_apart_in_another_publication() -> None:
    tracks = SilentTracks([0, 1])
    tracks.heard(0, 10 * SECOND)
    tracks.heard(1, 10 * SECOND)
    tracks.resume()
    assert tracks.heard(1, 16 * SECOND) == []
    assert tracks.heard(1, 20 * SECOND + 1) == [0]
