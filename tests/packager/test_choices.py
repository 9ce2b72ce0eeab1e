from media.units import MediaKind, Track
from packager.choices import CaptionRendition, audio_choices, caption_choices


def sound(language: str = "", label: str = "") -> Track:
    return Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"", language=language, label=label)


def test_the_first_track_is_the_default_whatever_order_they_come_in() -> None:
    tracks = {"audio-10": sound(), "audio-2": sound(), "audio": sound()}
    found = audio_choices(tracks.items())
    assert [(each.name, each.default) for each in found] == [
        ("audio", True),
        ("audio-2", False),
        ("audio-10", False),
    ]


def test_no_two_choices_have_the_same_name() -> None:
    tracks = {
        "audio": sound("en"),
        "audio-2": sound("en"),
        "audio-3": sound("en", "English 2"),
        "audio-4": sound(),
        "audio-5": sound("", "Director"),
        "audio-6": sound("pt-BR"),
        "audio-7": sound("tlh"),
    }
    assert [each.label for each in audio_choices(tracks.items())] == [
        "English",
        "English 2",
        "English 2 2",
        "Sound",
        "Director",
        "Português (BR)",
        "tlh",
    ]


def test_one_set_of_captions_at_most_is_shown_to_whoever_has_chosen_nothing() -> None:
    found = caption_choices(
        [
            CaptionRendition("captions-en-forced", "", "en", default=True, forced=True),
            CaptionRendition("captions-en", "", "en", default=True),
            CaptionRendition("captions-de", "Für alle", "de", default=True),
            CaptionRendition("captions-und", "", "", default=False),
        ]
    )
    assert [(each.label, each.default) for each in found] == [
        ("English", False),
        ("English 2", True),
        ("Für alle", False),
        ("Captions", False),
    ]
