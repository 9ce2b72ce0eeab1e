"""What may not reach a log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.redaction import is_secret, redacted, redacted_fields, redacted_text

_TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJzcmNfMSJ9.c2lnbmF0dXJl-_"
_SEED = "S" + "ABCDEFG2" * 6 + "ABCDEFG"


@pytest.mark.parametrize(
    "name",
    [
        "token", "key", "password", "secret", "authorization", "stream_key", "seed",
        "Authorization", "X-Api-Key", "hot_seed", "tokens", "client_secret", "set-cookie",
    ],
)  # fmt: skip
def test_fields_with_a_secret_name_are_hidden(name: str) -> None:
    assert redacted_fields({name: "abc"}) == {name: "***"}


@pytest.mark.parametrize(
    "name", ["asset", "public_key", "keyframe", "monkey", "tokenizer", "event"]
)
def test_other_fields_are_kept(name: str) -> None:
    assert not is_secret(name)
    assert redacted_fields({name: "abc"}) == {name: "abc"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET /hls/ast_01/v1.abc.def/720p/7.m4s", "GET /hls/ast_01/***/720p/7.m4s"),
        ("live/main?key=hunter2&x=1", "live/main?key=***&x=1"),
        ("?streamKey=hunter2", "?streamKey=***"),
        ("/x?token=abc.def-1#z", "/x?token=***"),
        ("postgresql://u:p%40ss@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("rtmp://:pass@h/live", "rtmp://:***@h/live"),
        ("Authorization: Bearer abcdef.ghij-1", "Authorization: Bearer ***"),
        (f"seed {_SEED}.", "seed S***."),
        ("made tc_ABCDEFGHIJKLMNOPQRST-_z", "made tc_***"),
        ("made sk_ABCDEFGHIJKLMNOPQRST-_z", "made sk_***"),
        ("made rt_ABCDEFGHIJKLMNOPQRST-_z", "made rt_***"),
        ("rtmp://h/live/1snw9bn8-ndqtzemr-nnkdecdj-5ksmdcvp x", "rtmp://h/live/*** x"),
        (f"rtmp://h/live/{_TOKEN} x", "rtmp://h/live/eyJ*** x"),
        (f"live/main?jwt={_TOKEN}&x=1", "live/main?jwt=***&x=1"),
        ("live?user=main&pass=hunter2", "live?user=main&pass=***"),
        ("with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw.", "with whsec_***."),
        ("123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
        ("the bearer of news", "the bearer of news"),
        ("http://host:8080/path", "http://host:8080/path"),
        ("tc_short", "tc_short"),
    ],
)
def test_secrets_in_running_text_are_hidden_by_place_or_shape(text: str, expected: str) -> None:
    assert redacted_text(text) == expected


def test_nested_values_are_searched() -> None:
    value = {"a": [{"token": "x"}, ("?key=abc", 1)], "none": None, "b": b"?key=abc"}
    assert redacted(value) == {
        "a": [{"token": "***"}, ["?key=***", 1]],
        "none": None,
        "b": "b'?key=***'",
    }


def test_a_value_that_contains_itself_ends() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert redacted(endless) is not None


@given(st.text(), st.text(alphabet="abcdefABCDEF0123456789", min_size=20), st.text())
def test_no_surrounding_text_lets_a_token_through(before: str, secret: str, after: str) -> None:
    assert f"tc_{secret}" not in redacted_text(f"{before} tc_{secret} {after}")
