"""What payment channels cost the operator: seen, and given up."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.area import RouteTable
from api.errors import Problem, not_found
from api.idempotency import Document, Idempotency
from api.idempotency_store import Effect
from api.input import read_body
from api.operator import Operator
from api.wire import timestamp
from config.clock import Clock
from config.limits import CHANNEL_LOSS_REASON_CHARACTERS_MAX, CHANNEL_LOSSES_DAYS
from metering.money import format_amount, parse_amount
from metering.vouchers.loss import Loss, NothingLost, OtherAmount, WriteOff
from metering.vouchers.losses_postgres import PostgresLosses
from metering.vouchers.payment_channel import UnknownChannel

_BY = "operator"


def _amount(text: str) -> str:
    parse_amount(text)
    return text


class GiveUp(BaseModel):
    """`amount` is what is lost as the operator saw it, `reason` why it is given up."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    amount: Annotated[str, Field(max_length=24), AfterValidator(_amount)]
    reason: Annotated[
        str,
        Field(min_length=1, max_length=CHANNEL_LOSS_REASON_CHARACTERS_MAX, pattern=r"^\S"),
    ]


@dataclass(frozen=True, slots=True)
class ChannelLossRoutes:
    """The routes under `/api/v1/admin/channel-losses`."""

    store: PostgresLosses
    operator: Operator
    idempotency: Idempotency
    clock: Clock

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/admin/channel-losses", self.list),
            web.get("/api/v1/admin/channel-losses/{channel}", self.get),
            web.post("/api/v1/admin/channel-losses/{channel}/write-off", self.write_off),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """What is lost and not given up, and what was given up lately."""
        self.operator.require(request)
        now = datetime.fromtimestamp(self.clock.wall_ms() / 1000, UTC)
        found = await self.store.losses(now - timedelta(days=CHANNEL_LOSSES_DAYS))
        return web.json_response({"items": [loss_json(each) for each in found]})

    async def get(self, request: web.Request) -> web.Response:
        """One payment channel's, with the transfer that books it: nothing is done."""
        self.operator.require(request)
        try:
            loss = await self.store.loss(request.match_info["channel"])
        except (UnknownChannel, NothingLost) as error:
            raise _problem(error) from None
        return web.json_response(loss_json(loss))

    async def write_off(self, request: web.Request) -> web.Response:
        """Give it up. Again is the same as once, also under another key."""
        self.operator.require(request)
        body = await read_body(request, GiveUp)
        contract = request.match_info["channel"]

        async def work(effect: Effect) -> Document:
            at = datetime.fromtimestamp(effect.wall_ms / 1000, UTC)
            given_up = WriteOff(body.reason, _BY, at)
            try:
                loss = await self.store.write_off(contract, parse_amount(body.amount), given_up)
            except (UnknownChannel, NothingLost, OtherAmount) as error:
                raise _problem(error) from None
            return loss_json(loss)

        done = await self.idempotency.once(request, _BY, work, required=True)
        return web.json_response(done.document, headers=done.headers)


def loss_json(loss: Loss) -> Document:
    """What is lost, and what books it, or did."""
    transfer, written = loss.transfer, loss.written_off
    return {
        "channel": loss.contract,
        "account": loss.owner,
        "payer": loss.payer,
        "asset": loss.asset,
        "accepted": format_amount(loss.accepted),
        "collected": format_amount(loss.collected),
        "lost": format_amount(loss.amount),
        "transfer": {
            "id": transfer.id,
            "from": transfer.debit,
            "to": transfer.credit,
            "amount": format_amount(transfer.amount),
            "asset": transfer.asset,
        },
        "writtenOff": None
        if written is None
        else {"at": timestamp(written.at), "by": written.by, "reason": written.reason},
    }


def _problem(error: Exception) -> Problem:
    if isinstance(error, UnknownChannel):
        return not_found("no such payment channel")
    if isinstance(error, NothingLost):
        title = "Nothing is lost there"
        detail = "the payment channel is not over, or all that was accepted was collected"
        return Problem(409, "nothing_lost", title, detail)
    title = "Another amount is lost by now"
    return Problem(409, "other_amount", title, "look again, and say that amount")
