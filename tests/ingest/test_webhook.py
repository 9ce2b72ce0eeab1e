"""What is asked about publishers, and what answers mean."""

import json
from typing import Any

import pytest

from config.limits import (
    STREAM_KEY_BITRATE_MAX,
    WEBHOOK_DECISIONS_MAX,
    WEBHOOK_REASON_CHARACTERS_MAX,
    WEBHOOK_TTL_SECONDS,
    WEBHOOK_TTL_SECONDS_MAX,
)
from config.signing_secret import signing_key
from ingest.webhook import (
    Decision,
    Decisions,
    NoDecision,
    Question,
    read_decision,
    signed_headers,
    write_question,
)

QUESTION = Question("src_1", "key_1", "192.0.2.7", "live", secure=True)
REFUSED = "the operator of this server refused this publication"


def test_a_question_is_signed_as_the_specifications_example() -> None:
    # Standard Webhooks 1.0, "Signature scheme", and its reference libraries' test.
    body = b'{"test": 2432232314}'
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    assert signed_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_question_says_who_wants_to_publish_and_no_secret() -> None:
    assert json.loads(write_question(QUESTION, "2026-11-21T03:04:05.678Z")) == {
        "type": "publish.requested",
        "timestamp": "2026-11-21T03:04:05.678Z",
        "data": {
            "sourceId": "src_1",
            "keyId": "key_1",
            "address": "192.0.2.7",
            "app": "live",
            "secure": True,
        },
    }
    with_token = Question("src_1", "", "192.0.2.7", "live", secure=False)
    assert json.loads(write_question(with_token, ""))["data"]["keyId"] is None


ANSWERS: list[tuple[int, Any, Decision]] = [
    (200, {"allow": True}, Decision(True, ttl_ms=WEBHOOK_TTL_SECONDS * 1000)),
    (204, {"allow": True, "ttlSeconds": 0}, Decision(True)),
    (
        201,
        {"allow": True, "ttlSeconds": 5, "bitrateMax": 6_000_000, "more": 1},
        Decision(True, ttl_ms=5_000, bitrate_max=6_000_000),
    ),
    (
        200,
        {"allow": True, "ttlSeconds": 10**12, "bitrateMax": 10**15},
        Decision(True, ttl_ms=WEBHOOK_TTL_SECONDS_MAX * 1000, bitrate_max=STREAM_KEY_BITRATE_MAX),
    ),
    (200, {"allow": False}, Decision(False, REFUSED)),
    (200, {"allow": False, "reason": "pay first"}, Decision(False, "pay first")),
    (403, {"reason": "pay first"}, Decision(False, "pay first")),
    (402, {"allow": True}, Decision(False, REFUSED)),
    (404, "<html>", Decision(False, REFUSED)),
    (403, {"reason": "a\r\nb\x1b[31mc\u202e "}, Decision(False, "ab[31mc")),
    (403, {"reason": "x" * 999}, Decision(False, "x" * WEBHOOK_REASON_CHARACTERS_MAX)),
    (403, {"reason": ["x"]}, Decision(False, REFUSED)),
]


@pytest.mark.parametrize(("status", "answer", "decision"), ANSWERS)
def test_an_answer_lets_in_or_refuses(status: int, answer: Any, decision: Decision) -> None:
    assert read_decision(status, json.dumps(answer).encode()) == decision


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"OK"),
        (200, b"\xff"),
        (200, b"[" * 10_000),
        (200, b"true"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"allow": "true"}'),
        (200, b'{"allow": 1}'),
        (200, b'{"allow": true, "ttlSeconds": "5"}'),
        (200, b'{"allow": true, "ttlSeconds": true}'),
        (200, b'{"allow": true, "ttlSeconds": -1}'),
        (200, b'{"allow": true, "bitrateMax": 1.5}'),
        (100, b'{"allow": true}'),
        (302, b'{"allow": true}'),
        (408, b'{"allow": false}'),
        (429, b'{"allow": false}'),
        (500, b'{"allow": true}'),
    ],
)
def test_anything_else_is_no_decision(status: int, body: bytes) -> None:
    with pytest.raises(NoDecision):
        read_decision(status, body)


def test_who_was_let_in_is_remembered_until_the_answer_is_too_old() -> None:
    decisions = Decisions()
    allowed = Decision(True, ttl_ms=5_000)
    refused = Question("src_2", "", "192.0.2.7", "live", secure=True)
    decisions.add(QUESTION, allowed, 100)
    decisions.add(refused, Decision(False, "no", ttl_ms=5_000), 100)

    assert decisions.get(QUESTION, 5_099) == allowed
    assert decisions.get(QUESTION, 5_100) is None
    assert decisions.get(refused, 100) is None


def test_the_latest_are_remembered() -> None:
    decisions = Decisions()
    allowed = Decision(True, ttl_ms=5_000)
    others = [
        Question(f"src_{number}", "", "192.0.2.7", "live", secure=True)
        for number in range(WEBHOOK_DECISIONS_MAX)
    ]
    for question in (QUESTION, *others[:-1], QUESTION, others[-1]):
        decisions.add(question, allowed, 0)

    assert decisions.get(QUESTION, 0) == allowed
    assert decisions.get(others[0], 0) is None
