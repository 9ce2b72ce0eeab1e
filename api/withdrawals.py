"""Money back out of a viewer's balance, to an address on Stellar."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.errors import Problem, invalid, not_found, unavailable
from api.idempotency import Document, Idempotency
from api.idempotency_store import Effect
from api.input import read_body
from api.minute_limit import MinuteLimit
from api.wire import timestamp
from config.limits import WALLET_WAIT_SECONDS_MAX, WITHDRAWALS_LISTED_MAX
from metering.errands import TakingOut
from metering.errors import InsufficientFunds
from metering.funding.withdrawal import (
    BadMemo,
    Withdrawal,
    WithdrawalStore,
    WithdrawalView,
    memo_of,
    viewed,
)
from metering.funding.withdrawal_source import Fates
from metering.intake import Intake
from metering.leases import lease_postgres
from metering.ledger.ledger import UnknownAccount, WouldOverdraw, viewer_account
from metering.money import BadAmount, Stroops, format_amount, parse_amount
from metering.settlement.strkey import Address, BadAddress, read_address, write_address

# What the chain would say, for people.
_WHY = {
    "op_no_destination": "there is no account at this address yet",
    "op_no_trust": "this account has no trust line for the asset: add one in the wallet first",
    "op_line_full": "this account's trust line takes no more of the asset",
    "op_not_authorized": "the asset's issuer does not let this account hold it",
}


class Withdraw(BaseModel):
    """`memo` is a number (MEMO_ID) when it is one, unless `memoType` says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    amount: Annotated[str, Field(max_length=40)]
    address: Annotated[str, Field(max_length=80)]
    asset: Annotated[str, Field(max_length=80)] | None = None
    memo: Annotated[str, Field(max_length=80)] | None = None
    memoType: Literal["id", "text"] | None = None  # noqa: N815 - wire name


@dataclass(frozen=True, slots=True)
class _Wish:
    """A request that makes sense."""

    amount: Stroops
    address: str
    account: str  # whose it is on the chain
    asset: str
    memo: str | None


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """The routes `/api/v1/payments/withdraw` and `/api/v1/payments/withdrawals`.

    Attributes:
        ours: the accounts that this server has on the chain; known when the wallet is open.
        obstacle: the code with which a payment of an asset to an account would fail, if that is
            known.
        assets: what may be taken out, the first one by default.
        minimum: less is not worth a payment.
        maximum: more is never signed in a day, so it would wait for ever.
    """

    store: WithdrawalStore
    outbox: Fates
    intake: Intake
    bearers: Bearers
    idempotency: Idempotency
    limit: MinuteLimit
    ours: Callable[[], Awaitable[Sequence[str]]]
    obstacle: Callable[[str, str], Awaitable[str | None]]
    assets: tuple[str, ...]
    minimum: Stroops
    maximum: Stroops

    def routes(self) -> RouteTable:
        return [
            web.post("/api/v1/payments/withdraw", self.post),
            web.get("/api/v1/payments/withdrawals", self.list),
            web.get("/api/v1/payments/withdrawals/{withdrawal}", self.get),
        ]

    async def post(self, request: web.Request) -> web.Response:
        """Set money aside at once; it is paid with the next settlement."""
        account = await self.bearers.account(request)
        wish = self._checked(await read_body(request, Withdraw))

        async def withdraw(effect: Effect) -> Document:
            return await self._withdraw(account.id, wish, effect)

        done = await self.idempotency.once(request, account.id, withdraw, required=True)
        return web.json_response(done.document, status=202, headers=done.headers)

    async def list(self, request: web.Request) -> web.Response:
        """The newest first."""
        account = await self.bearers.account(request)
        found = await self.store.of(account.id, WITHDRAWALS_LISTED_MAX)
        fates = await self.outbox.fates([each.id for each in found])
        items = [withdrawal_json(viewed(each, fates)) for each in found]
        return web.json_response({"items": items})

    async def get(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        found = await self.store.get(request.match_info["withdrawal"])
        if found is None or found.owner != account.id:
            raise not_found("no such withdrawal")
        view = viewed(found, await self.outbox.fates([found.id]))
        return web.json_response(withdrawal_json(view))

    async def _withdraw(self, owner: str, wish: _Wish, effect: Effect) -> Document:
        origin = viewer_account(owner, wish.asset)
        withdrawal = Withdrawal(
            id=effect.id("wdr"),
            owner=owner,
            origin=origin.id,
            asset=wish.asset,
            amount=wish.amount,
            address=wish.address,
            requested_at=datetime.fromtimestamp(effect.wall_ms / 1000, UTC),
            memo=wish.memo,
        )
        # An earlier attempt may have come to its end, and nobody has heard of it.
        if effect.attempt == 1 or await self.store.get(withdrawal.id) is None:
            if not self.limit.admit(owner):
                raise Problem(429, "too_many_withdrawals", "Too many withdrawals at once", "",
                              {"Retry-After": "60"})  # fmt: skip
            await self._require_payable(wish)

            async def request() -> None:
                with lease_postgres.unavailable():
                    await self.store.request(withdrawal)

            await self._take_out(TakingOut(origin, wish.amount, request), owner)
        return withdrawal_json(viewed(withdrawal, {}))

    async def _take_out(self, taking: TakingOut, owner: str) -> None:
        try:
            await self.intake.take_out(taking)
        except (WouldOverdraw, UnknownAccount):
            asset = taking.account.asset
            there, _ = await self.intake.balance(owner, asset)
            raise InsufficientFunds(taking.amount, there, asset) from None

    async def _require_payable(self, wish: _Wish) -> None:
        """Refuse what is known to come back."""
        if wish.account in await self._ours():
            raise _refused("own_address", "this is the server's own address")
        code = await self.obstacle(wish.asset, wish.account)
        if code is not None:
            raise _refused(code, _WHY.get(code, "this account cannot be paid"))

    async def _ours(self) -> Sequence[str]:
        try:
            async with asyncio.timeout(WALLET_WAIT_SECONDS_MAX):
                return await self.ours()
        except TimeoutError:
            raise unavailable("the wallet is not open yet", retry_after_s=2) from None

    def _checked(self, body: Withdraw) -> _Wish:
        """Raises: Problem, 400 with the first thing that is wrong, and where."""
        asset = body.asset or self.assets[0]
        if asset not in self.assets:
            raise invalid(f"asset: one of {', '.join(self.assets)}")
        try:
            amount = parse_amount(body.amount)
            key, number = read_address(body.address)
            memo = None if body.memo is None else memo_of(body.memo, body.memoType)
        except BadAmount:
            raise invalid("amount: digits, and up to seven decimals") from None
        except BadAddress:
            raise invalid("address: a Stellar address (G... or M...); look for a typo") from None
        except BadMemo:
            raise invalid("memo: a number below 2^64, or a text of up to 28 bytes") from None
        if not self.minimum <= amount <= self.maximum:
            least, most = format_amount(self.minimum), format_amount(self.maximum)
            raise invalid(f"amount: {least} to {most} at once")
        if number is not None and memo is not None:
            raise invalid("memo: this address (M...) says already for whom it is")
        return _Wish(amount, body.address, write_address(Address(key)), asset, memo)


def withdrawal_json(view: WithdrawalView) -> Document:
    """A withdrawal as its owner sees it."""
    withdrawal = view.withdrawal
    kind, _, memo = (withdrawal.memo or "").partition(":")
    return {
        "withdrawalId": withdrawal.id,
        "state": view.progress.value,
        "code": withdrawal.code,
        "asset": withdrawal.asset,
        "amount": format_amount(withdrawal.amount),
        "address": withdrawal.address,
        "memo": memo or None,
        "memoType": kind or None,
        "requestedAt": timestamp(withdrawal.requested_at),
        "transactionHash": view.transaction,
    }


def _refused(code: str, detail: str) -> Problem:
    title = "This address cannot be paid"
    return Problem(422, "destination_refused", title, detail, extra={"reason": code})
