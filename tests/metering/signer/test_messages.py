"""What is said to a signer and what it answers."""

import pytest

from metering.settlement.outbox import SignedEnvelope
from metering.settlement.signer import Reason, SigningOrder
from metering.signer.collecting import CollectingOrder, Verb
from metering.signer.messages import (
    Accounts,
    Agreed,
    Answer,
    Away,
    Bump,
    NotUnderstood,
    Question,
    Refusal,
    WhoPays,
    agreement,
    collecting_order,
    read_answer,
    read_question,
    write_answer,
    write_question,
)

COLLECTING = CollectingOrder("C", Verb.CLOSE, 5, b"\1" * 64, 2, 3)
QUESTIONS: tuple[Question, ...] = (
    WhoPays(),
    SigningOrder("set_1", "G", 1, 2, 3),
    Bump("ab", 7),
    agreement(COLLECTING),
)
ANSWERS: tuple[Answer, ...] = (
    Accounts("G", ("A", "B")),
    SignedEnvelope("x", "h", "G", 1, 2, 3, 4),
    Agreed("ab"),
    Refusal(Reason.DAILY_CAP, "5 more"),
    Away("the database"),
)


def test_everything_that_is_said_is_understood() -> None:
    for question in QUESTIONS:
        line = write_question(question)
        assert line.count(b"\n") == 1
        assert read_question(line) == question
    assert [read_answer(write_answer(answer)) for answer in ANSWERS] == list(ANSWERS)
    assert collecting_order(agreement(COLLECTING)) == COLLECTING


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"who",
        b"[]",
        b"{}",
        b"null",
        b'{"who":{},"sign":{}}',
        b'{"who":{"more":1}}',
        b'{"who":[]}',
        b'{"pay":{}}',
        b'{"bump":{"hash":"ab"}}',
        b'{"bump":{"hash":"ab","fee":"7"}}',
        b'{"bump":{"hash":"ab","fee":true}}',
        b'{"bump":{"hash":"ab","fee":7.5}}',
        b'{"bump":{"hash":null,"fee":7}}',
        b"[" * 4_000,
        b"\xff",
    ],
)
def test_what_is_no_question_is_not_understood(line: bytes) -> None:
    with pytest.raises(NotUnderstood):
        read_question(line)


@pytest.mark.parametrize(
    "line",
    [
        b'{"accounts":{"hot":"G","channels":"AB"}}',
        b'{"accounts":{"hot":"G","channels":[1]}}',
        b'{"refused":{"reason":"mood","detail":""}}',
    ],
)
def test_what_is_no_answer_is_not_understood(line: bytes) -> None:
    with pytest.raises(NotUnderstood):
        read_answer(line)


def test_agreements_are_to_two_calls_only() -> None:
    for changes in ({"verb": "transfer"}, {"signature": "xy"}):
        said = write_question(agreement(COLLECTING)).decode()
        for name, value in changes.items():
            before = getattr(agreement(COLLECTING), name)
            said = said.replace(f'"{name}":"{before}"', f'"{name}":"{value}"')
        question = read_question(said.encode())
        with pytest.raises(NotUnderstood):
            collecting_order(question)  # type: ignore[arg-type]
