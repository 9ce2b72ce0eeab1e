"""Conditions of requests, in the order of RFC 9110, 13.2.2."""

import pytest

from api.delivery.answer import Answer
from api.delivery.entity_tag import entity_tag
from api.delivery.file_answer import file_answer
from api.delivery.request import UNCONDITIONAL, Conditions
from packager.naming import MP4
from packager.package import Charge, MediaFile

FILE = MediaFile(bytes(range(200)) * 50, MP4, Charge(0, 0, 90_000))
TAG = f'"{entity_tag(FILE.body)}"'


def ask(method: str = "GET", conditions: Conditions = UNCONDITIONAL) -> Answer:
    return file_answer(FILE, method, conditions)


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        (Conditions(if_none_match=TAG), 304),
        (Conditions(if_none_match=f'"x", W/{TAG}'), 304),
        (Conditions(if_none_match="*"), 304),
        (Conditions(if_none_match='"x"'), 200),
        (Conditions(if_match=TAG), 200),
        (Conditions(if_match="*"), 200),
        (Conditions(if_match=f"W/{TAG}"), 412),
        (Conditions(if_match='"x"', if_none_match=TAG), 412),
        (Conditions(range="bytes=1-2", if_none_match=TAG), 304),
        (Conditions(range="bytes=1-2"), 206),
        (Conditions(range="bytes=1-2", if_range=TAG), 206),
        (Conditions(range="bytes=1-2", if_range=f"W/{TAG}"), 200),
        (Conditions(range="bytes=1-2", if_range="Mon, 30 Nov 2026 10:00:00 GMT"), 200),
        (Conditions(range="bytes=10000-"), 416),
        (Conditions(range="bytes=10000-", if_range='"x"'), 200),
    ],
)
def test_conditions_decide_on_the_status(conditions: Conditions, status: int) -> None:
    answer = ask("GET", conditions)
    assert answer.status == status
    assert bool(answer.body) == (status in (200, 206))  # only what has a body is billed
    assert dict(answer.pairs())["ETag"] == TAG if status != 412 else True


def test_a_piece_says_where_it_is_from() -> None:
    piece = ask("GET", Conditions(range="bytes=100-299"))
    fields = dict(piece.pairs())
    assert (bytes(piece.body), piece.length) == (FILE.body[100:300], 200)
    assert fields["Content-Range"] == "bytes 100-299/10000"
    nothing = ask("GET", Conditions(range="bytes=10000-"))
    assert dict(nothing.pairs())["Content-Range"] == "bytes */10000"


def test_head_has_the_length_and_no_body_and_no_ranges() -> None:
    answer = ask("HEAD", Conditions(range="bytes=1-2"))
    assert (answer.status, answer.length, answer.body) == (200, 10_000, b"")


def test_tags_differ_where_bodies_do() -> None:
    large = bytearray(range(256)) * 100
    bodies = [b"", b"a", b"b", bytes(large), bytes(large[:-1])]
    large[len(large) // 2 + 1] ^= 1
    bodies.append(bytes(large))
    assert len({entity_tag(body) for body in bodies}) == len(bodies)
