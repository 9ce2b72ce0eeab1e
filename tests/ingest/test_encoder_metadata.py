import pytest

from ingest.encoder_metadata import SoundNames, frame_rates, sound_names
from media.wire.amf0 import EcmaArray, Value


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (29.97, (30_000, 1001)),
        (23.976, (24_000, 1001)),
        (59.94005994, (60_000, 1001)),
        (30.0, (30, 1)),
        (12.5, (25, 2)),
        (0.0, (0, 1)),
        (float("nan"), (0, 1)),
        (1e9, (0, 1)),
        ("30", (0, 1)),
        (None, (0, 1)),
    ],
)
def test_a_frame_rate_is_taken_for_what_was_meant(rate: Value, expected: tuple[int, int]) -> None:
    assert frame_rates({"framerate": rate}) == {0: expected}


@pytest.mark.parametrize("wrap", [EcmaArray, dict])
def test_tracks_have_rates_of_their_own(wrap: type[EcmaArray] | type[dict[str, Value]]) -> None:
    tracks: dict[str, Value] = {
        "1": wrap({"framerate": 30.0}),
        "2": wrap({"width": 640.0}),
        "one": wrap({"framerate": 30.0}),
        "3": 30.0,
        "1000": wrap({"framerate": 30.0}),
    }

    rates = frame_rates({"framerate": 60.0, "videoTrackIdInfoMap": wrap(tracks)})

    assert rates == {0: (60, 1), 1: (30, 1)}


def test_endless_tracks_are_read_up_to_a_bound() -> None:
    said: Value = {"framerate": 25.0, "language": "de"}
    tracks: dict[str, Value] = {str(number): said for number in range(1, 999)}

    assert len(frame_rates({"videoTrackIdInfoMap": tracks})) == 10
    assert len(sound_names({"audioTrackIdInfoMap": tracks})) == 9


def test_sound_is_called_what_the_encoder_says_as_far_as_that_can_be_shown() -> None:
    tracks: dict[str, Value] = {
        "0": {"language": "eng", "title": " The\r\nfilm "},
        "1": {"language": 7.0, "title": None},
        "2": {"language": "nonsense!", "title": "\0"},
        "x": {"language": "de"},
    }

    assert sound_names({"audioTrackIdInfoMap": tracks}) == {0: SoundNames("en", "The film")}
    assert sound_names({}) == {}
