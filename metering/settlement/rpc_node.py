"""Requests to a Stellar RPC node: with its network checked, and every failure as one error."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import batched

from pydantic import ValidationError
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.client.base_async_client import BaseAsyncClient
from stellar_sdk.exceptions import (
    ContentSizeLimitExceededError,
    SdkError,
    SorobanRpcErrorResponse,
)
from stellar_sdk.soroban_server_async import SorobanServerAsync
from xdrlib3 import Error as XdrError

from config.limits import NETWORK_CHECK_REQUESTS, STELLAR_KEYS_MAX
from metering.settlement.chain import ChainUnreachable, Tip, WrongNetwork
from metering.settlement.guard import NetworkGuard

# A hash that no transaction has. Asked for it, a node tells its ledger and the time of that, in
# a few bytes, where getLatestLedger sends whole ledgers.
_NOBODYS_HASH = "0" * 64

# What the SDK lets out when an answer is none, or makes no sense: besides its own errors it asserts
# that there is a result, and JSON or XDR may be anything.
_SENSELESS = (SdkError, ValidationError, ValueError, AssertionError, EOFError, XdrError)


@dataclass(frozen=True, slots=True)
class Entry:
    """A ledger entry, and the ledger that changed it last."""

    data: stellar_xdr.LedgerEntryData
    changed_in: int


@dataclass(frozen=True, slots=True)
class Entries:
    """What was found, by key in base64, all as of one ledger."""

    found: dict[str, Entry]
    ledger: int


class RpcNode:
    """One Stellar RPC server, or several behind one address.

    Args:
        url: of the server.
        passphrase: of the network that is meant.
        client: how to reach it; closed by its owner.
        guard: knows the chain that our money is on.
    """

    def __init__(
        self,
        url: str,
        passphrase: str,
        client: BaseAsyncClient,
        guard: NetworkGuard | None = None,
    ) -> None:
        self.passphrase = passphrase
        self._server = SorobanServerAsync(url, client)
        self._guard = guard
        self._admitted = False
        self._checked_for = 0

    @asynccontextmanager
    async def ask(self) -> AsyncIterator[SorobanServerAsync]:
        """The server, to ask it one thing.

        Raises:
            ChainUnreachable: no usable answer.
            WrongNetwork: it belongs to another network.
        """
        try:
            if self._checked_for <= 0:
                await self._check()
            self._checked_for -= 1
            yield self._server
        except _SENSELESS as error:
            # Who comes back may be another one.
            self._checked_for, self._admitted = 0, False
            reason = str(error).partition("\n")[0]
            raise ChainUnreachable(f"{type(error).__name__}: {reason}") from error

    async def tip(self) -> Tip:
        """How far it is."""
        async with self.ask() as server:
            return await _tip(server)

    async def entries(self, keys: Sequence[stellar_xdr.LedgerKey]) -> Entries:
        """Ledger entries; of more than 200 they are not all as of the same ledger, but of none
        before the one told.
        """
        found: dict[str, Entry] = {}
        ledgers = []
        for some in batched(keys, STELLAR_KEYS_MAX):
            async with self.ask() as server:
                response = await server.get_ledger_entries(list(some))
                ledgers.append(response.latest_ledger)
                for each in response.entries or []:
                    data = stellar_xdr.LedgerEntryData.from_xdr(each.xdr)
                    found[each.key] = Entry(data, each.last_modified_ledger)
        return Entries(found, min(ledgers, default=0))

    async def _check(self) -> None:
        passphrase = (await self._server.get_network()).passphrase
        if passphrase != self.passphrase:
            raise WrongNetwork(f"the node is on {passphrase!r}, configured is {self.passphrase!r}")
        if self._guard is not None:
            tip = await _tip(self._server)
            if self._admitted:
                await self._guard.watch(tip)
            else:
                await self._guard.admit(passphrase, tip, self._hash_of)
            self._admitted = True
        self._checked_for = NETWORK_CHECK_REQUESTS

    async def _hash_of(self, ledger: int) -> str | None:
        try:
            page = await self._server.get_ledgers(start_ledger=ledger, limit=1)
        except (SorobanRpcErrorResponse, ContentSizeLimitExceededError):
            return None  # It lacks that ledger or the method, or the ledger is a very full one.
        return page.ledgers[0].hash if page.ledgers else None


async def _tip(server: SorobanServerAsync) -> Tip:
    latest = await server.get_transaction(_NOBODYS_HASH)
    return Tip(latest.latest_ledger, latest.latest_ledger_close_time, latest.oldest_ledger)
