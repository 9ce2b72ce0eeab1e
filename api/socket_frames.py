"""What is said over a session socket: text frames of JSON, `{id, type, data}`.

`id` is the client's and is given back with the answer; events of the server have none.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.errors import Problem
from api.input import StartSession, parse

type _Name = Annotated[str, Field(min_length=1, max_length=64)]
type FrameId = _Name | Annotated[int, Field(ge=0, le=2**53 - 1)] | None


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Frame(_Said):
    """Any message of a client."""

    id: FrameId = None
    type: Literal["authenticate", "startStream", "stopStream", "heartbeat"]
    data: dict[str, Any] = {}


class Authenticate(_Said):
    """The first message of who could not show a token before."""

    token: Annotated[str, Field(min_length=1, max_length=128)]


class StartStream(StartSession):
    """As `POST /api/v1/streaming/start`; the key is what its header holds."""

    idempotencyKey: Annotated[str, Field(min_length=1, max_length=128)] | None = None  # noqa: N815


class Heartbeat(_Said):
    """The client is there; with a session, it follows that from now on."""

    sessionId: _Name | None = None  # noqa: N815 - wire name


def read_frame(text: str) -> Frame:
    """Raises: Problem: 400, it is not a frame."""
    return parse(text, Frame)


def read_data[Model: BaseModel](frame: Frame, model: type[Model]) -> Model:
    """What a frame says, as its type needs it.

    Raises:
        Problem: 400, with every fault and where it is.
    """
    return parse(json.dumps(frame.data), model)


def write_frame(kind: str, data: object, id_: FrameId = None) -> str:
    """An answer, or an event, which has no id."""
    frame = {"type": kind, "data": data} if id_ is None else {"id": id_, "type": kind, "data": data}
    return json.dumps(frame, separators=(",", ":"))


def write_error(problem: Problem, request_id: str, id_: FrameId = None) -> str:
    """A refusal, as HTTP would have it."""
    return write_frame("error", problem.document(request_id), id_)
