"""Turn request bodies into checked values; everything that is wrong is said at once."""

import json
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.errors import invalid
from ingest.source import NAME_PATTERN

_MONEY_MAX = 10**15


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NoFields(_Body):
    """A request that says nothing but itself."""


class StartSession(_Body):
    contentId: Annotated[str, Field(min_length=1, max_length=64)]  # noqa: N815 - wire name


class StopSession(_Body):
    sessionId: Annotated[str, Field(min_length=1, max_length=64)]  # noqa: N815 - wire name


class PriceInput(_Body):
    """`stroops` per `seconds`; strict integers, since money is never a float."""

    stroops: Annotated[int, Field(ge=0, le=_MONEY_MAX)]
    seconds: Annotated[int, Field(ge=1, le=86_400)]


class CreateSource(_Body):
    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    title: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    price: PriceInput | None = None


async def read_body[Model: BaseModel](request: web.Request, model: type[Model]) -> Model:
    """Parse a JSON body; no body counts as `{}`.

    Raises:
        Problem: 400, with every fault and where it is.
    """
    body = await request.read()
    try:
        return model.model_validate(json.loads(body) if body else {})
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()]
        raise invalid("; ".join(faults)) from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise invalid("the body is not JSON") from None
