"""The chain over a Stellar RPC node: asking it, sending to it. Knows no keys."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import batched

from pydantic import ValidationError
from stellar_sdk import Asset, StrKey
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.client.base_async_client import BaseAsyncClient
from stellar_sdk.exceptions import SdkError
from stellar_sdk.soroban_rpc import (
    GetTransactionResponse,
    GetTransactionStatus,
    SendTransactionResponse,
    SendTransactionStatus,
)
from stellar_sdk.soroban_server_async import SorobanServerAsync
from xdrlib3 import Error as XdrError

from config.limits import STELLAR_KEYS_MAX
from metering.settlement.chain import (
    ChainAccount,
    ChainUnreachable,
    OnChain,
    SettledAsset,
    Tip,
    WrongNetwork,
)
from metering.settlement.lifecycle import Answer, Answered, Found, NotFound
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.stellar_entries import (
    account_key,
    chain_account,
    on_chain,
    read_sequence,
    trust_line_key,
)
from metering.settlement.stellar_result import read_result

# A hash that no transaction has. Asked for it, a node tells its ledger and the time of that, in
# a few bytes, where getLatestLedger sends whole ledgers.
_NOBODYS_HASH = "0" * 64

_ANSWERS = {
    SendTransactionStatus.PENDING: Answer.ACCEPTED,
    SendTransactionStatus.DUPLICATE: Answer.ACCEPTED,
    SendTransactionStatus.TRY_AGAIN_LATER: Answer.BUSY,
    SendTransactionStatus.ERROR: Answer.REFUSED,
}


# What the SDK lets out when an answer is none, or makes no sense: besides its own errors it asserts
# that there is a result, and JSON or XDR may be anything.
_SENSELESS = (SdkError, ValidationError, ValueError, AssertionError, EOFError, XdrError)


class StellarRpc:
    """Implements `chain.Chain` on the network behind one Stellar RPC node.

    Args:
        url: of a Stellar RPC server.
        passphrase: of the network that is meant; a node of another one is refused.
        asset: what is paid out.
        client: how to reach the node; closed by `close`.
    """

    def __init__(
        self, url: str, passphrase: str, asset: SettledAsset, client: BaseAsyncClient
    ) -> None:
        self._server = SorobanServerAsync(url, client)
        self._passphrase = passphrase
        self._settled = asset
        self._asset = Asset.native() if asset.issuer is None else Asset(asset.code, asset.issuer)
        self._network_checked = False

    async def close(self) -> None:
        await self._server.close()

    async def holdings(self, address: str) -> OnChain | None:
        async with self._node() as node:
            keys = [account_key(address)]
            if not self._asset.is_native():
                keys.append(self._line_key(address))
            response = await node.get_ledger_entries(keys)
            entries = [
                (stellar_xdr.LedgerEntryData.from_xdr(entry.xdr), entry.last_modified_ledger)
                for entry in response.entries or []
            ]
        wanted = [on_chain(data, ledger) for data, ledger in entries if self._is_settled(data)]
        return wanted[0] if wanted else None

    async def account(self, address: str) -> ChainAccount | None:
        async with self._node() as node:
            response = await node.get_ledger_entries([account_key(address)])
            for entry in response.entries or []:
                account = stellar_xdr.LedgerEntryData.from_xdr(entry.xdr).account
                if account is not None:
                    return chain_account(account)
        return None

    async def obstacles(self, addresses: Sequence[str]) -> dict[str, str]:
        valid = [a for a in addresses if StrKey.is_valid_ed25519_public_key(a)]
        found = dict.fromkeys(set(addresses) - set(valid), "bad_address")
        existing = await self._existing([account_key(address) for address in valid])
        for address in valid:
            if account_key(address).to_xdr() not in existing:
                found[address] = "op_no_destination"
        if not self._asset.is_native():
            found |= await self._missing_lines([a for a in valid if a not in found])
        return found

    async def fee_p80(self) -> int:
        async with self._node() as node:
            return (await node.get_fee_stats()).inclusion_fee.p80

    async def tip(self) -> Tip:
        async with self._node() as node:
            latest = await node.get_transaction(_NOBODYS_HASH)
        return Tip(latest.latest_ledger, latest.latest_ledger_close_time, latest.oldest_ledger)

    async def send(self, envelope: SignedEnvelope) -> Answered:
        try:
            async with self._node() as node:
                response = await node.send_transaction(envelope.xdr)
                return Answered(_ANSWERS[response.status], _refusal(response))
        except ChainUnreachable as error:
            return Answered(Answer.UNKNOWN, str(error))

    async def look(self, envelope: SignedEnvelope) -> Found | NotFound:
        async with self._node() as node:
            # The sequence number first: what used it up is then part of the history asked next.
            sequence, ledger = await read_sequence(node, envelope.source)
            response = await node.get_transaction(envelope.hash)
            if response.status != GetTransactionStatus.NOT_FOUND:
                return _found(response)
        behind = response.latest_ledger < ledger  # another node answered, which knows less
        return NotFound(
            latest_ledger=response.latest_ledger,
            latest_close_time=response.latest_ledger_close_time,
            oldest_ledger=response.oldest_ledger,
            source_sequence=None if behind else sequence,
        )

    @asynccontextmanager
    async def _node(self) -> AsyncIterator[SorobanServerAsync]:
        """The node, once it is known to be of the right network; its failures as one error."""
        try:
            if not self._network_checked:
                passphrase = (await self._server.get_network()).passphrase
                if passphrase != self._passphrase:
                    raise WrongNetwork(
                        f"the node is on {passphrase!r}, configured is {self._passphrase!r}"
                    )
                self._network_checked = True
            yield self._server
        except _SENSELESS as error:
            reason = str(error).partition("\n")[0]
            raise ChainUnreachable(f"{type(error).__name__}: {reason}") from error

    async def _existing(self, keys: list[stellar_xdr.LedgerKey]) -> set[str]:
        existing: set[str] = set()
        for some in batched(keys, STELLAR_KEYS_MAX):
            async with self._node() as node:
                response = await node.get_ledger_entries(list(some))
            existing |= {entry.key for entry in response.entries or []}
        return existing

    async def _missing_lines(self, addresses: list[str]) -> dict[str, str]:
        others = [address for address in addresses if address != self._settled.issuer]
        existing = await self._existing([self._line_key(address) for address in others])
        return {
            address: "op_no_trust"
            for address in others
            if self._line_key(address).to_xdr() not in existing
        }

    def _line_key(self, address: str) -> stellar_xdr.LedgerKey:
        return trust_line_key(address, self._asset)

    def _is_settled(self, data: stellar_xdr.LedgerEntryData) -> bool:
        return (data.account if self._asset.is_native() else data.trust_line) is not None


def _refusal(response: SendTransactionResponse) -> str:
    if response.error_result_xdr is None:
        return response.status.value
    codes = read_result(stellar_xdr.TransactionResult.from_xdr(response.error_result_xdr))
    return " ".join((codes.transaction, *codes.operations))


def _found(response: GetTransactionResponse) -> Found:
    if response.result_xdr is None or response.ledger is None:
        raise ChainUnreachable("the node knows the transaction, but not its result")
    result = stellar_xdr.TransactionResult.from_xdr(response.result_xdr)
    codes = read_result(result)
    return Found(
        successful=codes.successful,
        ledger=response.ledger,
        fee_charged=result.fee_charged.int64,
        code=codes.transaction,
        operations=codes.operations,
    )
