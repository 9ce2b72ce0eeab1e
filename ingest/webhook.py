"""What the operator's own server is asked about a publisher, and what its answer means.

Signed as Standard Webhooks are (specification 1.0), so that every library for those checks it.
"""

import base64
import hashlib
import hmac
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from config.limits import (
    STREAM_KEY_BITRATE_MAX,
    WEBHOOK_DECISIONS_MAX,
    WEBHOOK_REASON_CHARACTERS_MAX,
    WEBHOOK_TTL_SECONDS,
    WEBHOOK_TTL_SECONDS_MAX,
)

_REFUSED = "the operator of this server refused this publication"
# Of the client errors these two say nothing about the publisher (RFC 9110, RFC 6585).
_NOT_NOW = (408, 429)


@dataclass(frozen=True, slots=True)
class Question:
    """A publisher whose key or token was found good.

    Attributes:
        key_id: of its stream key; empty when it showed a token.
    """

    source_id: str
    key_id: str
    address: str
    app: str
    secure: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What was answered.

    Attributes:
        reason: of a refusal, shown to the publisher.
        ttl_ms: for how long the same question has the same answer.
        bitrate_max: bit/s; 0 for no limit.
    """

    is_allowed: bool
    reason: str = ""
    ttl_ms: int = 0
    bitrate_max: int = 0


class NoDecision(Exception):
    """There is no answer, or none that is understood."""


class Webhook(Protocol):
    """Asks the operator's server."""

    async def ask(self, question: Question) -> Decision:
        """Its decision.

        Raises:
            NoDecision: see there.
        """


def write_question(question: Question, timestamp: str) -> bytes:
    """The body; `timestamp` is when it is asked (RFC 3339)."""
    document = {
        "type": "publish.requested",
        "timestamp": timestamp,
        "data": {
            "sourceId": question.source_id,
            "keyId": question.key_id or None,
            "address": question.address,
            "app": question.app,
            "secure": question.secure,
        },
    }
    return json.dumps(document, separators=(",", ":")).encode()


def signed_headers(key: bytes, message_id: str, now_s: int, body: bytes) -> dict[str, str]:
    """What goes with a body, so that it can be told that we sent it, and when (Unix time)."""
    message = f"{message_id}.{now_s}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": f"v1,{signature}",
    }


def read_decision(status: int, body: bytes) -> Decision:
    """What an answer means.

    Raises:
        NoDecision: see there.
    """
    if 200 <= status < 300:
        return _decision(_fields(body))
    if 400 <= status < 500 and status not in _NOT_NOW:
        return _refusal(_fields(body, or_nothing=True))
    raise NoDecision(f"it answered with status {status}")


def _fields(body: bytes, *, or_nothing: bool = False) -> dict[str, object]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        return document
    if or_nothing:
        return {}
    raise NoDecision("it answered with something that is no JSON object")


def _decision(fields: dict[str, object]) -> Decision:
    match fields.get("allow"):
        case True:
            ttl = _number(fields, "ttlSeconds", WEBHOOK_TTL_SECONDS, WEBHOOK_TTL_SECONDS_MAX)
            bitrate = _number(fields, "bitrateMax", 0, STREAM_KEY_BITRATE_MAX)
            return Decision(True, ttl_ms=ttl * 1000, bitrate_max=bitrate)
        case False:
            return _refusal(fields)
        case _:
            raise NoDecision("its answer lacks `allow`")


def _refusal(fields: dict[str, object]) -> Decision:
    reason = fields.get("reason")
    text = reason[:WEBHOOK_REASON_CHARACTERS_MAX] if isinstance(reason, str) else ""
    printable = "".join(letter for letter in text if letter.isprintable()).strip()
    return Decision(False, reason=printable or _REFUSED)


def _number(fields: dict[str, object], name: str, default: int, most: int) -> int:
    value = fields.get(name)
    if value is None:
        return default
    if type(value) is not int or value < 0:
        raise NoDecision(f"`{name}` of its answer is no number of at least 0")
    return min(value, most)


class Decisions:
    """Who was let in a while ago; refusals are not remembered, since they are to be lifted."""

    def __init__(self) -> None:
        self._decisions: OrderedDict[Question, tuple[Decision, int]] = OrderedDict()

    def add(self, question: Question, decision: Decision, now_ms: int) -> None:
        if not (decision.is_allowed and decision.ttl_ms):
            return
        self._decisions[question] = (decision, now_ms + decision.ttl_ms)
        self._decisions.move_to_end(question)
        if len(self._decisions) > WEBHOOK_DECISIONS_MAX:
            self._decisions.popitem(last=False)

    def get(self, question: Question, now_ms: int) -> Decision | None:
        decision, ends_ms = self._decisions.get(question, (None, 0))
        return decision if now_ms < ends_ms else None
