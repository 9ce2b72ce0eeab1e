"""Which events a client of getEvents wants (stellar-rpc, protocols: EventFilter)."""

import binascii

from pydantic import BaseModel, Field
from stellar_sdk import StrKey
from stellar_sdk import xdr as stellar_xdr
from xdrlib3 import Error as XdrError

from metering.localnet.event_log import LoggedEvent
from metering.localnet.rpc_error import INVALID_PARAMS, RpcError

FILTERS_MAX = 5
_CONTRACTS_MAX = 5
_TOPICS_MAX = 5
_SEGMENTS_MAX = 4
_TEXT_MAX = 4096
_KINDS = {"system", "contract", "diagnostic"}
_ONE, _REST = "*", "**"


class EventFilter(BaseModel):
    """What is given has to match, each by one of its values; `topics` are lists of segments.

    A segment is a value in base64, or `*` for any; `**` in the end stands for any number.
    """

    type: str = Field(default="", max_length=_TEXT_MAX)
    contracts: list[str] | None = Field(
        default=None, alias="contractIds", max_length=_CONTRACTS_MAX
    )
    topics: list[list[str]] | None = Field(default=None, max_length=_TOPICS_MAX)

    def matches(self, event: LoggedEvent) -> bool:
        kinds = self.type.split(",") if self.type else []
        return (
            (not kinds or event.kind in kinds)
            and (not self.contracts or event.contract in self.contracts)
            and (not self.topics or any(_match(topic, event.topics) for topic in self.topics))
        )


def _match(wanted: list[str], topics: tuple[str, ...]) -> bool:
    if wanted[-1] == _REST:
        wanted = wanted[:-1]
        if len(topics) < len(wanted):
            return False
    elif len(topics) != len(wanted):
        return False
    return all(segment in (_ONE, topic) for segment, topic in zip(wanted, topics, strict=False))


def checked_filters(filters: list[EventFilter]) -> list[EventFilter]:
    """The filters themselves.

    Raises:
        RpcError: one of them says nothing that an event could match.
    """
    if len(filters) > FILTERS_MAX:
        raise RpcError(INVALID_PARAMS, f"maximum {FILTERS_MAX} filters per request")
    for number, wanted in enumerate(filters, start=1):
        problem = _problem(wanted)
        if problem is not None:
            raise RpcError(INVALID_PARAMS, f"filter {number} invalid: {problem}")
    return filters


def _problem(wanted: EventFilter) -> str | None:
    if wanted.type and not set(wanted.type.split(",")) <= _KINDS:
        return "type must be either 'system', 'contract' or 'diagnostic'"
    for number, contract in enumerate(wanted.contracts or [], start=1):
        if not StrKey.is_valid_contract(contract):
            return f"contract ID {number} invalid"
    for number, topic in enumerate(wanted.topics or [], start=1):
        problem = _segment_problem(topic)
        if problem is not None:
            return f"topic {number} invalid: {problem}"
    return None


def _segment_problem(topic: list[str]) -> str | None:
    segments = topic[:-1] if topic and topic[-1] == _REST else topic
    if not segments:
        return "topic must have at least one segment"
    if len(segments) > _SEGMENTS_MAX:
        return f"topic cannot have more than {_SEGMENTS_MAX} segments"
    for number, segment in enumerate(segments, start=1):
        if segment != _ONE and not _is_value(segment):
            return f"segment {number} invalid"
    return None


def _is_value(text: str) -> bool:
    try:
        return stellar_xdr.SCVal.from_xdr(text).to_xdr() == text
    except (binascii.Error, XdrError, EOFError, ValueError):
        return False
