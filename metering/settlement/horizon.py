"""The chain over Horizon: the second implementation of the port, for where there is no RPC node."""

from collections.abc import Sequence

from stellar_sdk.client.base_async_client import BaseAsyncClient

from config.limits import HORIZON_LAG_SECONDS
from metering.settlement.batch import BAD_ADDRESS
from metering.settlement.chain import (
    ChainAccount,
    ChainUnreachable,
    OnChain,
    SeenTransaction,
    SettledAsset,
    Snapshot,
    Tip,
)
from metering.settlement.chain_envelope import seen_in
from metering.settlement.guard import NetworkGuard
from metering.settlement.horizon_documents import (
    Account,
    FeeStats,
    Submitted,
    Transaction,
    WholeTransaction,
    read,
)
from metering.settlement.horizon_feed import HorizonFeed
from metering.settlement.horizon_node import BeforeHistory, HorizonNode, Reply
from metering.settlement.lifecycle import Answer, Answered
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.sending import Found, NotFound
from metering.settlement.stellar_result import found_in, refusal
from metering.settlement.strkey import Address, BadAddress, read_address, write_address

_ANSWERS = {
    "PENDING": Answer.ACCEPTED,
    "DUPLICATE": Answer.ACCEPTED,
    "TRY_AGAIN_LATER": Answer.BUSY,
    "ERROR": Answer.REFUSED,
}


class Horizon:
    """Implements `chain.Chain` over one Horizon server, or several behind one address.

    What proves that a transaction will never apply differs from RPC. There one answer says that a
    hash is unknown and as of which ledger; here those are two requests, which two servers may
    answer, one of them behind. So only time is proof: a transaction that is not known well after
    its time bound.

    Args:
        url: of the server.
        passphrase: of the network that is meant; a server of another one is refused.
        asset: what is paid out.
        client: how to reach it; closed by `close`.
        guard: knows the chain that our money is on.
    """

    def __init__(
        self,
        url: str,
        passphrase: str,
        asset: SettledAsset,
        client: BaseAsyncClient,
        guard: NetworkGuard | None = None,
    ) -> None:
        self._client = client
        self._node = HorizonNode(url, passphrase, client, guard)
        self._asset = asset

    async def close(self) -> None:
        await self._client.close()

    def feed(self, address: str) -> HorizonFeed:
        """The payments of an address (G...), over the same node."""
        return HorizonFeed(self._node, address)

    async def holdings(self, address: str) -> OnChain | None:
        account = await self._account(address)
        return None if account is None else account.holds(self._asset.name)

    async def account(self, address: str) -> ChainAccount | None:
        account = await self._account(address)
        return None if account is None else account.signatures

    async def obstacles(self, addresses: Sequence[str]) -> dict[str, str]:
        # One after the other: Horizon counts requests, and payouts are in no hurry.
        found = {address: await self._obstacle(address) for address in addresses}
        return {address: code for address, code in found.items() if code is not None}

    async def claimable(self, ids: Sequence[str]) -> set[str]:
        # One after the other, as obstacles are.
        return {each for each in ids if await self._node.find(f"/claimable_balances/{each}")}

    async def fee_p80(self) -> int:
        text = await self._node.find("/fee_stats")
        if text is None:
            raise ChainUnreachable("Horizon has no fee statistics")
        return read(FeeStats, text).fee_charged.p80

    async def tip(self) -> Tip:
        return (await self._node.root()).tip

    async def snapshot(self, addresses: Sequence[str], assets: Sequence[str]) -> Snapshot:
        """What accounts have, all as of one ledger; raises as `chain.Chain`."""
        ledger = (await self._node.root()).tip.ledger
        found = [account for each in addresses if (account := await self._account(each))]
        if any(account.changed_in > ledger for account in found):
            raise ChainUnreachable("accounts changed while they were looked at")
        held = {
            (account.account_id, asset): holding.balance
            for account in found
            for asset in assets
            if (holding := account.holds(asset)) is not None
        }
        return Snapshot(ledger, held, {each.account_id: each.sequence for each in found})

    async def send(self, envelope: SignedEnvelope) -> Answered:
        try:
            return _answered(await self._node.submit(envelope.xdr))
        except ChainUnreachable as error:
            return Answered(Answer.UNKNOWN, str(error))

    async def look(self, envelope: SignedEnvelope) -> Found | NotFound:
        # How far the server is, first: what it knew then, it knows when it is asked.
        tip = (await self._node.root()).tip
        try:
            text = await self._node.find(f"/transactions/{envelope.hash}")
        except BeforeHistory as error:
            raise ChainUnreachable(f"{error} is before history") from error
        if text is not None:
            transaction = read(Transaction, text)
            return found_in(transaction.result_xdr, transaction.ledger)
        return NotFound(
            latest_ledger=tip.ledger,
            latest_close_time=tip.close_time - HORIZON_LAG_SECONDS,
            oldest_ledger=tip.oldest_ledger,
            source_sequence=None,
        )

    async def transaction(self, hash_: str) -> SeenTransaction | None:
        """A transaction by its hash, whoever made it; None when the server does not know it (any
        more). Raises as `chain.Chain`.
        """
        try:
            text = await self._node.find(f"/transactions/{hash_}")
        except BeforeHistory:
            return None
        if text is None:
            return None
        whole = read(WholeTransaction, text)
        return seen_in(whole.envelope_xdr, whole.result_xdr)

    async def _account(self, address: str) -> Account | None:
        text = await self._node.find(f"/accounts/{address}")
        return None if text is None else read(Account, text)

    async def _obstacle(self, address: str) -> str | None:
        try:
            plain = write_address(Address(read_address(address).key))
        except BadAddress:
            return BAD_ADDRESS
        account = await self._account(plain)
        if account is None:
            return "op_no_destination"
        line = account.line(self._asset.name)
        if line is None:
            return None if plain == self._asset.issuer else "op_no_trust"
        if not line.is_authorized:
            return "op_not_authorized"
        return "op_line_full" if line.is_full else None


def _answered(reply: Reply) -> Answered:
    submitted = read(Submitted, reply.text)
    answer = _ANSWERS.get(submitted.tx_status)
    if answer is None and reply.status == 400:
        return Answered(Answer.REFUSED, submitted.title)
    if answer is None:
        return Answered(Answer.UNKNOWN, submitted.title or f"Horizon answers {reply.status}")
    if submitted.error_result_xdr is not None:
        return Answered(answer, refusal(submitted.error_result_xdr))
    return Answered(answer, submitted.tx_status)
