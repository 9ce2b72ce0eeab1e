"""What clients say about their files comes out harmless, or is refused in words."""

from base64 import b64encode

import pytest

from ingest.upload.description import Description, InvalidDescription, describe, parse_metadata
from media.delivery import Delivery


def encoded(**pairs: str) -> str:
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in pairs.items())


def test_metadata_is_read_as_it_was_written() -> None:
    header = encoded(filename="film ü.mp4", title="Ein Film 🎬") + ", confidential,empty "

    assert parse_metadata(header) == {
        "filename": "film ü.mp4",
        "title": "Ein Film 🎬",
        "confidential": "",
        "empty": "",
    }
    assert parse_metadata("") == {}


@pytest.mark.parametrize(
    "header",
    [
        "title ???",
        "title //8=",  # 0xff 0xff is no UTF-8
        "title YQ==,title Yg==",
        "titel\u00fc YQ==",
        ",",
        "title YQ== YQ==",
        f"title {'A' * 5000}",
    ],
)
def test_metadata_that_is_none_is_refused(header: str) -> None:
    with pytest.raises(InvalidDescription, match="Upload-Metadata"):
        parse_metadata(header)


@pytest.mark.parametrize(
    ("fields", "title", "filename"),
    [
        ({}, "Untitled", ""),
        ({"filename": "holiday.final.mp4"}, "holiday.final", "holiday.final.mp4"),
        ({"filename": "README"}, "README", "README"),
        ({"filename": ".mp4"}, ".mp4", ".mp4"),
        ({"filename": "../../etc/passwd"}, "passwd", "passwd"),
        ({"filename": "C:\\videos\\cat.mov"}, "cat", "cat.mov"),
        ({"filename": "a\0b\r\nc.mp4"}, "abc", "abc.mp4"),
        ({"filename": "exe.\u202e4pm.mp4"}, "exe.4pm", "exe.4pm.mp4"),
        ({"filename": "x" * 400}, "x" * 120, "x" * 255),
        ({"filename": "a.mp4", "title": "  Family 👩\u200d👧  "}, "Family 👩\u200d👧", "a.mp4"),
        ({"filename": "a.mp4", "title": "\x00\x1b"}, "a", "a.mp4"),
    ],
)
def test_titles_and_names_are_cleaned(fields: dict[str, str], title: str, filename: str) -> None:
    described = describe(fields, 5, 60)

    assert described == Description(title, filename, 5, 60)


def test_a_price_is_taken_in_whole_numbers() -> None:
    described = describe({"priceStroops": "0", "priceSeconds": "3600"}, 5, 60)

    assert (described.price_stroops, described.price_seconds) == (0, 3600)


@pytest.mark.parametrize("delivery", Delivery)
def test_a_creator_says_how_viewers_get_it(delivery: Delivery) -> None:
    assert describe({"delivery": delivery.value}, 5, 60).delivery is delivery
    assert describe({}, 5, 60).delivery is Delivery.DIRECT


@pytest.mark.parametrize(
    "fields",
    [
        {"priceStroops": "-1", "priceSeconds": "1"},
        {"priceStroops": "1.5", "priceSeconds": "1"},
        {"priceStroops": "1_000", "priceSeconds": "1"},
        {"priceStroops": "٣", "priceSeconds": "1"},
        {"priceStroops": "", "priceSeconds": "1"},
        {"priceStroops": str(10**12 + 1), "priceSeconds": "1"},
        {"priceSeconds": "0", "priceStroops": "1"},
        {"priceSeconds": "9" * 5000, "priceStroops": "1"},
        {"priceSeconds": "60"},
        {"title": "x" * 121},
        {"delivery": "key"},
    ],
)
def test_what_cannot_be_is_refused_by_name(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidDescription, match=next(iter(fields))):
        describe(fields, 5, 60)
