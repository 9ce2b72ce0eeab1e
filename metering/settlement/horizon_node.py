"""Requests to a Horizon server: what is an answer, what is a no, and what is nothing at all."""

from dataclasses import dataclass
from urllib.parse import urlencode

from stellar_sdk.client.base_async_client import BaseAsyncClient
from stellar_sdk.client.response import Response

from config.limits import NETWORK_CHECK_REQUESTS
from metering.settlement.chain import ChainUnreachable, WrongNetwork
from metering.settlement.guard import NetworkGuard
from metering.settlement.horizon_documents import Ledger, Problem, Root, read
from metering.settlement.stellar_client import NO_ANSWER

# Horizon's answers to a submission that say what became of it ("Submit a transaction
# asynchronously"): pending, malformed or refused, duplicate, try again later. Anything else, 429
# and 504 above all, leaves open whether it arrived.
_SUBMITTED = (201, 400, 409, 503)


class BeforeHistory(Exception):
    """410: what was asked for is older than what this server keeps."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and a JSON text."""

    status: int
    text: str


class HorizonNode:
    """One Horizon server, once it is known to be of the right network.

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
        self._url = url.rstrip("/")
        self._client = client
        self._guard = guard
        self._admitted = False
        self._checked_for = 0

    async def root(self) -> Root:
        """How far it is.

        Raises:
            ChainUnreachable: no usable answer.
            WrongNetwork: it belongs to another network.
        """
        response = await self._ask("/", {})
        root = read(Root, response.text)
        if root.network_passphrase != self.passphrase:
            raise WrongNetwork(
                f"Horizon is on {root.network_passphrase!r}, configured is {self.passphrase!r}"
            )
        if self._checked_for <= 0:
            if self._guard is not None and self._admitted:
                await self._guard.watch(root.tip)
            elif self._guard is not None:
                await self._guard.admit(self.passphrase, root.tip, self._hash_of)
                self._admitted = True
            self._checked_for = NETWORK_CHECK_REQUESTS
        return root

    async def find(self, path: str, **query: str) -> str | None:
        """A document's text; None when Horizon says that there is no such thing.

        Raises:
            BeforeHistory: it may have been there.
            ChainUnreachable, WrongNetwork: as `root`.
        """
        await self._check()
        response = await self._ask(path, query)
        if response.status_code != 404:
            return response.text
        if not read(Problem, response.text).type.endswith("not_found"):
            raise ChainUnreachable("404, but not of Horizon's")
        return None

    async def submit(self, xdr: str) -> Reply:
        """Hand an envelope over, without waiting for its ledger.

        Raises:
            ChainUnreachable: it may have arrived.
            WrongNetwork: nothing was sent.
        """
        await self._check()
        try:
            response = await self._client.post(f"{self._url}/transactions_async", data={"tx": xdr})
        except NO_ANSWER as error:
            raise ChainUnreachable(str(error)) from error
        if response.status_code not in _SUBMITTED:
            raise ChainUnreachable(f"Horizon answers {response.status_code}")
        return Reply(response.status_code, response.text)

    async def _check(self) -> None:
        if self._checked_for <= 0:
            await self.root()
        self._checked_for -= 1

    async def _hash_of(self, ledger: int) -> str | None:
        try:
            response = await self._ask(f"/ledgers/{ledger}", {})
        except BeforeHistory:
            return None
        return None if response.status_code == 404 else read(Ledger, response.text).hash

    async def _ask(self, path: str, query: dict[str, str]) -> Response:
        """A reading request; 200 and 404 are answers."""
        # In the URL, as the SDK's own clients send it.
        url = f"{self._url}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            response = await self._client.get(url)
        except NO_ANSWER as error:
            # Who comes back may be another one.
            self._checked_for, self._admitted = 0, False
            raise ChainUnreachable(str(error)) from error
        if response.status_code == 410:
            raise BeforeHistory(path)
        if response.status_code not in (200, 404):
            raise ChainUnreachable(f"Horizon answers {response.status_code}")
        return response
