"""The chain over a Stellar RPC node: asking it, sending to it. Knows no keys."""

from collections.abc import Sequence

from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.client.base_async_client import BaseAsyncClient
from stellar_sdk.soroban_rpc import (
    GetTransactionResponse,
    GetTransactionStatus,
    SendTransactionStatus,
)

from config.limits import STELLAR_KEYS_MAX
from metering.money import NATIVE
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
from metering.settlement.lifecycle import Answer, Answered
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.rpc_feed import RpcFeed
from metering.settlement.rpc_node import RpcNode
from metering.settlement.sending import Found, NotFound
from metering.settlement.stellar_entries import (
    account_in,
    account_key,
    asset_named,
    chain_account,
    claimable_key,
    line_obstacle,
    on_chain,
    trust_line_key,
)
from metering.settlement.stellar_result import found_in, refusal
from metering.settlement.strkey import Address as Strkey
from metering.settlement.strkey import BadAddress, read_address, write_address

_ANSWERS = {
    SendTransactionStatus.PENDING: Answer.ACCEPTED,
    SendTransactionStatus.DUPLICATE: Answer.ACCEPTED,
    SendTransactionStatus.TRY_AGAIN_LATER: Answer.BUSY,
    SendTransactionStatus.ERROR: Answer.REFUSED,
}


class StellarRpc:
    """Implements `chain.Chain` on the network behind one Stellar RPC node.

    Args:
        url: of a Stellar RPC server.
        passphrase: of the network that is meant; a node of another one is refused.
        asset: what is paid out.
        client: how to reach the node; closed by `close`.
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
        self._passphrase = passphrase
        self._node = RpcNode(url, passphrase, client, guard)
        self._issuer = asset.issuer
        self._asset = asset_named(asset.name)

    async def close(self) -> None:
        await self._client.close()

    def feed(self, address: str) -> RpcFeed:
        """The payments of an address (G...), over the same node."""
        return RpcFeed(self._node, address)

    async def holdings(self, address: str) -> OnChain | None:
        keys = [account_key(address)]
        if not self._asset.is_native():
            keys.append(self._line_key(address))
        entry = (await self._node.entries(keys)).found.get(keys[-1].to_xdr())
        return None if entry is None else on_chain(entry.data, entry.changed_in)

    async def account(self, address: str) -> ChainAccount | None:
        return account_in(await self._node.entries([account_key(address)]))

    async def obstacles(self, addresses: Sequence[str]) -> dict[str, str]:
        plain, found = _plain_addresses(addresses)
        accounts = await self._node.entries([account_key(each) for each in plain.values()])
        for address, account in plain.items():
            if account_key(account).to_xdr() not in accounts.found:
                found[address] = "op_no_destination"
        if not self._asset.is_native():
            found |= await self._missing_lines(
                {
                    address: account
                    for address, account in plain.items()
                    if address not in found and account != self._issuer
                }
            )
        return found

    async def claimable(self, ids: Sequence[str]) -> set[str]:
        keys = {each: claimable_key(each) for each in ids}
        found = (await self._node.entries(list(keys.values()))).found
        return {each for each, key in keys.items() if key.to_xdr() in found}

    async def fee_p80(self) -> int:
        async with self._node.ask() as server:
            return (await server.get_fee_stats()).inclusion_fee.p80

    async def tip(self) -> Tip:
        return await self._node.tip()

    async def snapshot(self, addresses: Sequence[str], assets: Sequence[str]) -> Snapshot:
        """What accounts have, all as of one ledger; raises as `chain.Chain`."""
        lines = {
            (address, asset): trust_line_key(address, asset_named(asset))
            for address in addresses
            for asset in assets
            if asset not in (NATIVE, f"{asset.partition(':')[0]}:{address}")
        }
        accounts = {(address, NATIVE): account_key(address) for address in addresses}
        keys = accounts | lines
        assert len(keys) <= STELLAR_KEYS_MAX, "one request reads one ledger"
        entries = await self._node.entries(list(keys.values()))
        found = {
            place: entry
            for place, key in keys.items()
            if (entry := entries.found.get(key.to_xdr())) is not None
        }
        return Snapshot(
            entries.ledger,
            {place: on_chain(entry.data, 0).balance for place, entry in found.items()},
            {
                address: chain_account(entry.data.account).sequence
                for (address, _), entry in found.items()
                if entry.data.account is not None
            },
        )

    async def send(self, envelope: SignedEnvelope) -> Answered:
        try:
            async with self._node.ask() as server:
                response = await server.send_transaction(envelope.xdr)
                result = response.error_result_xdr
                detail = response.status.value if result is None else refusal(result)
                return Answered(_ANSWERS[response.status], detail)
        except ChainUnreachable as error:
            return Answered(Answer.UNKNOWN, str(error))

    async def look(self, envelope: SignedEnvelope) -> Found | NotFound:
        # The sequence number first: what used it up is then part of the history asked next.
        entries = await self._node.entries([account_key(envelope.source)])
        account = account_in(entries)
        async with self._node.ask() as server:
            response = await server.get_transaction(envelope.hash)
            if response.status != GetTransactionStatus.NOT_FOUND:
                return _found(response)
        # Behind: another node answered, which knows less.
        behind = response.latest_ledger < entries.ledger
        return NotFound(
            latest_ledger=response.latest_ledger,
            latest_close_time=response.latest_ledger_close_time,
            oldest_ledger=response.oldest_ledger,
            source_sequence=None if behind or account is None else account.sequence,
        )

    async def transaction(self, hash_: str) -> SeenTransaction | None:
        """A transaction by its hash, whoever made it; None when the node does not know it (any
        more). Raises as `chain.Chain`.
        """
        async with self._node.ask() as server:
            response = await server.get_transaction(hash_)
            envelope, result = response.envelope_xdr, response.result_xdr
            return None if envelope is None or result is None else seen_in(envelope, result)

    async def _missing_lines(self, accounts: dict[str, str]) -> dict[str, str]:
        keys = {address: self._line_key(account) for address, account in accounts.items()}
        lines = await self._node.entries(list(keys.values()))
        codes = {
            address: line_obstacle(lines.found.get(key.to_xdr())) for address, key in keys.items()
        }
        return {address: code for address, code in codes.items() if code is not None}

    def _line_key(self, address: str) -> stellar_xdr.LedgerKey:
        return trust_line_key(address, self._asset)


def _plain_addresses(addresses: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The account behind each address, and the addresses that are none."""
    plain, bad = {}, {}
    for address in addresses:
        try:
            plain[address] = write_address(Strkey(read_address(address).key))
        except BadAddress:
            bad[address] = BAD_ADDRESS
    return plain, bad


def _found(response: GetTransactionResponse) -> Found:
    if response.result_xdr is None or response.ledger is None:
        raise ChainUnreachable("the node knows the transaction, but not its result")
    return found_in(response.result_xdr, response.ledger)
