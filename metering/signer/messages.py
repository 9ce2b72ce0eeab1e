"""What is said to the signer's process and what it answers: a line of JSON each."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from metering.settlement.outbox import SignedEnvelope
from metering.settlement.signer import Reason, SigningOrder
from metering.signer.collecting import CollectingOrder, Verb


class NotUnderstood(ValueError):
    """Not a line of this protocol."""


@dataclass(frozen=True, slots=True)
class WhoPays:
    """Asks for the public addresses."""


@dataclass(frozen=True, slots=True)
class Bump:
    """Asks for a higher bid.

    Args:
        hash: of a transaction that was signed, in hexadecimal digits.
        fee: in stroops.
    """

    hash: str
    fee: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Asks the hot account to agree to be paid (`collecting.CollectingOrder`).

    Its signature in hexadecimal digits, the rest as there.
    """

    contract: str
    verb: str
    cumulative: int
    signature: str
    nonce: int
    last_ledger: int


type Question = WhoPays | SigningOrder | Bump | Agreement


@dataclass(frozen=True, slots=True)
class Accounts:
    """The addresses whose keys there are."""

    hot: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Agreed:
    """A signature of the hot account, in hexadecimal digits."""

    signature: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing was signed, and why."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Away:
    """It cannot be said now; the same question may be asked again."""

    detail: str


type Answer = Accounts | SignedEnvelope | Agreed | Refusal | Away

_QUESTIONS: dict[str, type[Question]] = {
    "who": WhoPays,
    "sign": SigningOrder,
    "bump": Bump,
    "agree": Agreement,
}
_ANSWERS: dict[str, type[Answer]] = {
    "accounts": Accounts,
    "envelope": SignedEnvelope,
    "agreed": Agreed,
    "refused": Refusal,
    "away": Away,
}


def agreement(order: CollectingOrder) -> Agreement:
    """An order as a question."""
    return Agreement(
        order.contract,
        order.verb.value,
        order.cumulative,
        order.signature.hex(),
        order.nonce,
        order.last_ledger,
    )


def collecting_order(question: Agreement) -> CollectingOrder:
    """The inverse; raises NotUnderstood."""
    try:
        verb, signature = Verb(question.verb), bytes.fromhex(question.signature)
    except ValueError as error:
        raise NotUnderstood(str(error)) from None
    return CollectingOrder(
        question.contract,
        verb,
        question.cumulative,
        signature,
        question.nonce,
        question.last_ledger,
    )


def write_question(question: Question) -> bytes:
    """A line, its end included."""
    return _written(_QUESTIONS, question)


def read_question(line: bytes) -> Question:
    """The inverse of `write_question`; raises NotUnderstood."""
    question: Question = _read(_QUESTIONS, line)
    return question


def write_answer(answer: Answer) -> bytes:
    """A line, its end included."""
    return _written(_ANSWERS, answer)


def read_answer(line: bytes) -> Answer:
    """The inverse of `write_answer`; raises NotUnderstood."""
    answer: Answer = _read(_ANSWERS, line)
    return answer


def _written(names: dict[str, type[Any]], message: Any) -> bytes:
    [name] = [name for name, kind in names.items() if isinstance(message, kind)]
    return json.dumps({name: asdict(message)}, separators=(",", ":")).encode() + b"\n"


def _read(names: dict[str, type[Any]], line: bytes) -> Any:
    try:
        [(name, said)] = json.loads(line).items()
        kind = names[name]
        if not isinstance(said, dict):
            raise NotUnderstood("not an object")
        values = {field: _value(said.pop(field), type_) for field, type_ in _fields(kind)}
        if said:
            raise NotUnderstood(f"unknown: {', '.join(map(str, said))}"[:200])
        return kind(**values)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotUnderstood(f"{type(error).__name__}: {error}"[:200]) from None


def _fields(kind: type[Any]) -> list[tuple[str, Any]]:
    return [(field.name, field.type) for field in kind.__dataclass_fields__.values()]


def _value(said: Any, kind: Any) -> Any:
    """A field as its type has it: nothing is taken for another (JSON's true is no 1)."""
    if kind is Reason:
        return Reason(said)
    if kind == tuple[str, ...]:
        if not isinstance(said, list):
            raise NotUnderstood("not a list")
        return tuple(_value(each, str) for each in said)
    if type(said) is not kind:
        raise NotUnderstood(f"not {kind.__name__}")
    return said
