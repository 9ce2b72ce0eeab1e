"""Turn request bodies into checked values; everything that is wrong is said at once."""

import json
from typing import Annotated, Literal

from aiohttp import web
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from api.errors import invalid
from api.price_input import PassInputs, PriceInput
from config.limits import (
    DVR_SECONDS_MAX,
    PASS_HOURS_MAX,
    PUBLISH_TOKEN_SECONDS_MAX,
    SOURCE_RECONNECT_SECONDS,
    SOURCE_RECONNECT_SECONDS_MAX,
    STREAM_KEY_ADDRESSES_MAX,
    STREAM_KEY_BITRATE_MAX,
    STREAM_KEY_BITRATE_MIN,
    STREAM_KEY_GRACE_SECONDS_MAX,
)
from ingest.network import parse_network
from ingest.source import NAME_PATTERN

_YEARS_10 = 10 * 366 * 86_400

type _Title = Annotated[str, Field(min_length=1, max_length=120)]
type _ReconnectSeconds = Annotated[int, Field(ge=0, le=SOURCE_RECONNECT_SECONDS_MAX)]
type _Takeover = Literal["reject", "replace", "standby"]
# Null for to the beginning of the broadcast, 0 for the window of a plain live playlist.
type _DvrSeconds = Annotated[int, Field(ge=0, le=DVR_SECONDS_MAX)] | None
# `keys` and `keys-cbcs`: encrypted segments that any cache may give out, with billed keys.
type _Delivery = Literal["direct", "keys", "keys-cbcs"]
type _Moment = Annotated[float, Field(ge=-_YEARS_10, le=_YEARS_10, allow_inf_nan=False)]
type _Network = Annotated[str, Field(max_length=64), AfterValidator(parse_network)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NoFields(_Body):
    """A request that says nothing but itself."""


class StartSession(_Body):
    """`replace` ends the oldest sessions where there are as many as the account may have."""

    contentId: Annotated[str, Field(min_length=1, max_length=64)]  # noqa: N815 - wire name
    replace: Literal["oldest"] | None = None


class StopSession(_Body):
    sessionId: Annotated[str, Field(min_length=1, max_length=64)]  # noqa: N815 - wire name


class CreateSource(_Body):
    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    title: _Title | None = None
    price: PriceInput | None = None
    passes: PassInputs = []
    reconnectSeconds: _ReconnectSeconds = SOURCE_RECONNECT_SECONDS  # noqa: N815
    takeover: _Takeover = "replace"
    dvrSeconds: _DvrSeconds = 0  # noqa: N815
    delivery: _Delivery = "direct"


class ChangeSource(_Body):
    """What is left out stays as it is."""

    title: _Title | None = None
    price: PriceInput | None = None
    passes: PassInputs | None = None
    reconnectSeconds: _ReconnectSeconds | None = None  # noqa: N815
    takeover: _Takeover | None = None
    dvrSeconds: _DvrSeconds = None  # noqa: N815
    delivery: _Delivery | None = None

    def sets(self, field: str) -> bool:
        """Whether the request has a field, be it null."""
        return field in self.model_fields_set


class RegenerateKey(_Body):
    """For how long the key before is good as well."""

    graceSeconds: Annotated[int, Field(ge=0, le=STREAM_KEY_GRACE_SECONDS_MAX)] = 0  # noqa: N815


class CreateKey(_Body):
    """Without `expiresInSeconds` it is good until it is revoked."""

    label: Annotated[str, Field(min_length=1, max_length=60)]
    expiresInSeconds: Annotated[int, Field(ge=1, le=_YEARS_10)] | None = None  # noqa: N815
    endsPublication: bool = False  # noqa: N815
    bitrateMax: (  # noqa: N815
        Annotated[int, Field(ge=STREAM_KEY_BITRATE_MIN, le=STREAM_KEY_BITRATE_MAX)] | None
    ) = None
    addresses: Annotated[list[_Network], Field(max_length=STREAM_KEY_ADDRESSES_MAX)] = []


class CreatePublishToken(_Body):
    seconds: Annotated[int, Field(ge=1, le=PUBLISH_TOKEN_SECONDS_MAX)] = PUBLISH_TOKEN_SECONDS_MAX


class ChangeContent(_Body):
    """What content costs from now on; see `PriceInput`. What is left out stays as it is."""

    price: PriceInput | None = None
    passes: PassInputs | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "ChangeContent":
        if self.price is None and self.passes is None:
            raise ValueError("say a price, or passes")
        return self


class BuyPass(_Body):
    """The pass for so many hours, for the price that its buyer was told."""

    hours: Annotated[int, Field(ge=1, le=PASS_HOURS_MAX)]
    amount: Annotated[str, Field(max_length=40)]


class ConsentToPrice(_Body):
    """The viewer goes on at the price of this epoch, which is higher than before."""

    sessionId: Annotated[str, Field(min_length=1, max_length=64)]  # noqa: N815 - wire name
    epoch: Annotated[str, Field(min_length=1, max_length=64)]


class CreateClip(_Body):
    """In seconds of what is played; a negative start counts from the end, which may be left out."""

    startSeconds: _Moment  # noqa: N815 - wire name
    endSeconds: _Moment | None = None  # noqa: N815 - wire name
    title: Annotated[str, Field(max_length=120)] | None = None
    price: PriceInput | None = None


class CreateDownloadLink(_Body):
    """As the parameters of the download itself."""

    rendition: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    part: Annotated[int, Field(ge=0, le=9_999)] | None = None


async def read_body[Model: BaseModel](request: web.Request, model: type[Model]) -> Model:
    """Parse a JSON body; no body counts as `{}`.

    Raises:
        Problem: 400, with every fault and where it is.
    """
    body = await request.read()
    return parse(body or b"{}", model)


def parse[Model: BaseModel](body: bytes | str, model: type[Model]) -> Model:
    """Read JSON that has to be just what the model says.

    Raises:
        Problem: 400, with every fault and where it is.
    """
    try:
        return model.model_validate(json.loads(body))
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()]
        raise invalid("; ".join(faults)) from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise invalid("the body is not JSON") from None
