"""Payment channels of viewers: registered by their contract's address, paid from by vouchers."""

from collections import OrderedDict
from dataclasses import dataclass, field

from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.channel_chain import ChannelChain
from api.errors import Problem, not_found, unavailable
from api.idempotency import TOO_MANY_KEYS, Document, Done, Idempotency
from api.idempotency_store import Effect
from api.input import read_body
from api.message_budget import MessageBudget
from api.minute_limit import MinuteLimit
from api.voucher_input import AcceptVoucher, CloseChannel, OpenChannelInPlay, RegisterChannel
from api.wire import timestamp
from config.clock import Clock
from config.limits import (
    VOUCHER_AHEAD_SECONDS,
    VOUCHER_BUDGETS_MAX,
    VOUCHER_DELTA_STROOPS_MIN,
    VOUCHER_NEED_SECONDS,
    VOUCHER_WAITING_LEDGERS_MAX,
    VOUCHER_WAITING_LEDGERS_MIN,
    VOUCHERS_PER_SECOND_MAX,
)
from metering.ledger.ledger import LedgerRefusal
from metering.money import Stroops, format_amount
from metering.settlement.chain import ChainUnreachable, WrongNetwork
from metering.vouchers.channel_terms import ChannelTerms, ContractRefused
from metering.vouchers.contracts import CallRefused
from metering.vouchers.desk import VoucherDesk
from metering.vouchers.payment_channel import PaymentChannel, Voucher


@dataclass(frozen=True, slots=True)
class PaymentChannels:
    """The routes under `/api/v1/payments/channels`, and one for play money.

    Nothing here needs an Idempotency-Key: a contract is registered once, a voucher again is the
    same as once, and so is closing. What moves money takes one all the same. `play_rpc_url` is
    where a network with play money is asked; None where money is real.
    """

    desk: VoucherDesk
    chain: ChannelChain
    bearers: Bearers
    clock: Clock
    play_rpc_url: str | None
    registrations: MinuteLimit
    idempotency: Idempotency
    _budgets: OrderedDict[str, MessageBudget] = field(default_factory=OrderedDict, init=False)

    def routes(self) -> RouteTable:
        return [
            web.post("/api/v1/sandbox/payment-channels", self.open_in_play),
            web.get("/api/v1/payments/channel-terms", self.terms),
            web.get("/api/v1/payments/channels", self.list),
            web.post("/api/v1/payments/channels", self.register),
            web.get("/api/v1/payments/channels/{channel}", self.get),
            web.post("/api/v1/payments/channels/{channel}/vouchers", self.accept),
            web.post("/api/v1/payments/channels/{channel}/close", self.close),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """The account's payment channels, and what one has to be that it opens."""
        account = await self.bearers.account(request)
        items = [channel_json(each) for each in await self.desk.channels(account.id)]
        return web.json_response({"items": items, "terms": await self._terms()})

    async def terms(self, _request: web.Request) -> web.Response:
        """What one has to be, for whoever opens it: no account is needed."""
        document = terms_json(await self.desk.terms())
        return web.json_response({**document, "rpcUrl": self.play_rpc_url})

    async def get(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        channel = await self.desk.channel(account.id, request.match_info["channel"])
        return web.json_response(channel_json(channel))

    async def register(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        wish = await read_body(request, RegisterChannel)
        self._admit(account.id)
        channel = await self.desk.register(account.id, wish.contract, wish.signature_bytes)
        return web.json_response(channel_json(channel), status=201)

    async def accept(self, request: web.Request) -> web.Response:
        """Answered when what the voucher adds can be spent."""
        account = await self.bearers.account(request)
        contract = request.match_info["channel"]
        voucher = await read_body(request, AcceptVoucher)
        self._count(account.id)
        given = Voucher(contract, voucher.stroops, voucher.signature_bytes)

        async def accept(_: Effect) -> Document:
            return channel_json(await self.desk.accept(account.id, given))

        try:
            done = await self.idempotency.once(request, account.id, accept)
        except Problem as problem:
            if problem.code != TOO_MANY_KEYS:
                raise
            # Who pays each few seconds uses them up, and a voucher is a key of its own.
            return web.json_response(channel_json(await self.desk.accept(account.id, given)))
        return web.json_response(done.document, headers=done.headers)

    async def close(self, request: web.Request) -> web.Response:
        """What is left goes back to the wallet; `GET` tells when it did."""
        account = await self.bearers.account(request)
        contract = request.match_info["channel"]
        wish = (await read_body(request, CloseChannel)).voucher
        last = None if wish is None else Voucher(contract, wish.stroops, wish.signature_bytes)

        async def close(_: Effect) -> Document:
            try:
                return channel_json(await self.desk.close(account.id, contract, last))
            except LedgerRefusal:
                detail = "more was watched than the last voucher is for"
                raise Problem(409, "already_spent", "That was spent", detail) from None

        done = await self.idempotency.once(request, account.id, close)
        await self.chain.hurry()
        return web.json_response(done.document, headers=done.headers)

    async def open_in_play(self, request: web.Request) -> web.Response:
        """A contract with play money, for who has no wallet; to be registered like any other."""
        account = await self.bearers.account(request)
        if self.play_rpc_url is None:
            raise not_found("this server uses real money; there is nothing to hand out")
        wish = await read_body(request, OpenChannelInPlay)
        done = await self.idempotency.answered(request, account.id)
        if done is None:
            done = await self._opened(request, account.id, wish)
        return web.json_response(done.document, status=201, headers=done.headers)

    async def _opened(self, request: web.Request, account: str, wish: OpenChannelInPlay) -> Done:
        self._admit(account)
        try:
            contract = await self.chain.open_in_play(wish.key_bytes, wish.stroops)
        except (ChainUnreachable, WrongNetwork, CallRefused) as error:
            raise unavailable(f"the local network does not do it: {error}") from None

        async def opened(_: Effect) -> Document:
            return {"contract": contract}

        return await self.idempotency.once(request, account, opened)

    async def _terms(self) -> Document | None:
        try:
            return terms_json(await self.desk.terms())
        except ContractRefused:
            return None

    def _admit(self, account: str) -> None:
        if not self.registrations.admit(account):
            headers = {"Retry-After": "60"}
            raise Problem(429, "too_many_channels", "Too many new payment channels", "", headers)

    def _count(self, account: str) -> None:
        now = self.clock.monotonic_ms()
        per_second = VOUCHERS_PER_SECOND_MAX
        budget = self._budgets.setdefault(account, MessageBudget(per_second, per_second, now))
        if len(self._budgets) > VOUCHER_BUDGETS_MAX:
            self._budgets.popitem(last=False)
        if not budget.take(now):
            headers = {"Retry-After": "1"}
            raise Problem(429, "too_many_vouchers", "Too many vouchers", "", headers)


def channel_json(channel: PaymentChannel) -> Document:
    """A payment channel as its viewer sees it; amounts since its contract was made."""
    return {
        "id": channel.contract,
        "state": channel.state.value,
        "asset": channel.asset,
        "payer": channel.payer,
        "commitmentKey": channel.key.hex(),
        "deposited": format_amount(channel.deposited),
        "accepted": format_amount(channel.accepted),
        "collected": format_amount(channel.withdrawn),
        "refundWaitingLedgers": channel.waiting_ledgers,
        "closesAtLedger": channel.closes_at,
        "seenAt": timestamp(channel.seen_at),
    }


def terms_json(terms: ChannelTerms) -> Document:
    """What a contract has to be, and how vouchers are to come."""
    return {
        "networkPassphrase": terms.passphrase,
        "contracts": sorted(terms.wasms),
        "token": terms.token,
        "asset": terms.asset,
        "recipient": terms.recipient,
        "refundWaitingLedgersMin": VOUCHER_WAITING_LEDGERS_MIN,
        "refundWaitingLedgersMax": VOUCHER_WAITING_LEDGERS_MAX,
        "voucherMin": format_amount(Stroops(VOUCHER_DELTA_STROOPS_MIN)),
        "needSeconds": VOUCHER_NEED_SECONDS,
        "aheadSeconds": VOUCHER_AHEAD_SECONDS,
    }
