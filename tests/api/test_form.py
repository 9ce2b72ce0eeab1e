"""Forms come apart the same however their bytes are cut, and broken ones are refused."""

import pytest

from api.form import (
    FormEnded,
    FormEvent,
    FormParser,
    MalformedForm,
    PartBegun,
    PartData,
    PartEnded,
)

BOUNDARY = "x-Boundary.1"
BODY = (
    b"a preamble\r\n"
    b"--x-Boundary.1\r\n"
    b'Content-Disposition: form-data; name="title"\r\n\r\n'
    b"T\xc3\xb6ne\r\n"
    b"--x-Boundary.1\r\n"
    b"content-type: video/mp4\r\n"
    b'content-disposition: form-data; filename="C:\\a\\fi\\"lm.mp4"; name=file\r\n\r\n'
    b"\r\n--x-Boundary\r\n\r\n--x-Bo\r\n-\x00\xff\r\n"
    b"--x-Boundary.1\r\n"
    b'Content-Disposition: form-data; name="empty"\r\n\r\n'
    b"\r\n"
    b"--x-Boundary.1--\r\n"
    b"an epilogue\r\n--x-Boundary.1\r\n"
)
EXPECTED = [
    (PartBegun("title", None), "Töne".encode()),
    (PartBegun("file", 'C:\\a\\fi"lm.mp4'), b"\r\n--x-Boundary\r\n\r\n--x-Bo\r\n-\x00\xff"),
    (PartBegun("empty", None), b""),
]


def parts(events: list[FormEvent]) -> list[tuple[PartBegun, bytes]]:
    found: list[tuple[PartBegun, bytes]] = []
    for event in events:
        match event:
            case PartBegun():
                found.append((event, b""))
            case PartData(data):
                found[-1] = (found[-1][0], found[-1][1] + data)
            case PartEnded() | FormEnded():
                pass
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 61, len(BODY)])
def test_a_form_comes_apart_wherever_it_is_cut(size: int) -> None:
    parser = FormParser(BOUNDARY)
    events = [
        event
        for start in range(0, len(BODY), size)
        for event in parser.feed(BODY[start : start + size])
    ]

    assert parts(events) == EXPECTED
    assert events.count(PartEnded()) == 3
    assert events[-1] == FormEnded()


def test_a_boundary_may_come_first() -> None:
    events = FormParser("b").feed(
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--'
    )

    assert parts(events) == [(PartBegun("a", None), b"1")]


@pytest.mark.parametrize(
    "body",
    [
        b"--b-and-more\r\n",
        b"--b\r\nContent-Type: text/plain\r\n\r\n",
        b"--b\r\nContent-Disposition: form-data\r\n\r\n",
        b"--b\r\nContent-Disposition: attachment; name=a\r\n\r\n",
        b"--b\r\n" + b"X: y\r\n" * 1_000,
    ],
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedForm):
        FormParser("b").feed(body)


@pytest.mark.parametrize("boundary", ["", "x" * 71, "ends with a blank ", "b\r\n", "ü"])
def test_a_boundary_has_to_be_one(boundary: str) -> None:
    with pytest.raises(MalformedForm, match="boundary"):
        FormParser(boundary)


def test_no_more_than_a_boundary_is_held_back() -> None:
    parser = FormParser("b" * 70)
    parser.feed(b"--" + b"b" * 70 + b'\r\nContent-Disposition: form-data; name="a"\r\n\r\n')

    passed = sum(
        len(event.data)
        for _ in range(100)
        for event in parser.feed(b"\r\n--" + b"b" * 60)
        if isinstance(event, PartData)
    )

    assert passed >= 100 * 64 - 80
