"""`tollcast channel`: a viewer's wallet opens a payment channel, and takes back what is left.

For viewers, against any server: it needs no data directory, only a wallet's seed and a Stellar RPC
server of the network. A wallet with a contract explorer does the same.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from api.remote import CommandFailed
from config.limits import COMMAND_SECONDS_MAX, VOUCHER_WAITING_LEDGERS_MIN
from metering.money import BadAmount, parse_amount
from metering.settlement.chain import ChainUnreachable, WrongNetwork
from metering.settlement.friendbot import HttpFriendbot
from metering.settlement.rpc_node import RpcNode
from metering.settlement.stellar import new_seed
from metering.settlement.stellar_client import StellarClient
from metering.vouchers.commitment import KEY_BYTES
from metering.vouchers.contracts import CallRefused, NoFeeAccount
from metering.vouchers.stellar_wallet import ChannelWallet, NotApplied, Opening

_SEED_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who opens or closes, and where.

    Attributes:
        server: the URL of a Tollcast server.
        rpc: that of a Stellar RPC server; empty for a network with play money, which says its own.
        seed_file: has the wallet's seed (S...); with play money it is made when missing.
    """

    server: str
    rpc: str
    seed_file: Path


async def open_channel(viewer: Viewer, key: str, amount: str) -> str:
    """Open a payment channel for a browser's key; the address of the contract.

    Raises:
        CommandFailed: with the reason.
    """
    try:
        raw, stroops = bytes.fromhex(key), parse_amount(amount)
    except (ValueError, BadAmount) as error:
        raise CommandFailed(str(error)) from None
    if len(raw) != KEY_BYTES:
        raise CommandFailed(f"a key has {2 * KEY_BYTES} hexadecimal digits")
    async with _wallet(viewer) as (wallet, terms):
        return await wallet.open(
            Opening(
                wasm=terms["contracts"][0],
                token=terms["token"],
                recipient=terms["recipient"],
                key=raw,
                amount=stroops,
                waiting_ledgers=VOUCHER_WAITING_LEDGERS_MIN,
            )
        )


async def start_closing(viewer: Viewer, contract: str) -> None:
    """Begin the waiting period, without asking the server. Raises: CommandFailed."""
    async with _wallet(viewer) as (wallet, _):
        await wallet.start_closing(contract)


async def take_back(viewer: Viewer, contract: str) -> None:
    """Take what is left, when the waiting period is over. Raises: CommandFailed."""
    async with _wallet(viewer) as (wallet, _):
        await wallet.take_back(contract)


@asynccontextmanager
async def _wallet(viewer: Viewer) -> AsyncIterator[tuple[ChannelWallet, dict[str, Any]]]:
    terms = await _terms(viewer.server)
    rpc = viewer.rpc or terms["rpcUrl"]
    if not rpc:
        raise CommandFailed("say which Stellar RPC server to use: --rpc URL")
    client = StellarClient()
    try:
        node = RpcNode(rpc, terms["networkPassphrase"], client)
        yield ChannelWallet(node, await _seed(viewer, rpc, terms, client)), terms
    except NoFeeAccount as error:
        raise CommandFailed(f"the wallet's account does not exist: {error}") from None
    except (CallRefused, ChainUnreachable, NotApplied, WrongNetwork) as error:
        raise CommandFailed(f"the network does not do it: {error}") from None
    finally:
        await client.close()


async def _seed(viewer: Viewer, rpc: str, terms: dict[str, Any], client: StellarClient) -> str:
    try:
        return viewer.seed_file.read_text().strip()
    except FileNotFoundError:
        if not terms["rpcUrl"]:
            raise CommandFailed(f"there is no wallet's seed in {viewer.seed_file}") from None
    except OSError as error:
        raise CommandFailed(f"cannot read {viewer.seed_file}: {error.strerror}") from None
    seed = new_seed()
    viewer.seed_file.touch(mode=_SEED_MODE, exist_ok=False)
    viewer.seed_file.write_text(seed + "\n")
    node = RpcNode(rpc, terms["networkPassphrase"], client)
    await HttpFriendbot(f"{rpc}/friendbot", client).fund(ChannelWallet(node, seed).address)
    return seed


async def _terms(server: str) -> dict[str, Any]:
    timeout = aiohttp.ClientTimeout(total=COMMAND_SECONDS_MAX)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"{server.rstrip('/')}/api/v1/payments/channel-terms") as answer,
        ):
            document: dict[str, Any] = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise CommandFailed(f"no answer from {server}: {error}") from None
    if "recipient" not in document:
        raise CommandFailed(str(document.get("detail", "this is no Tollcast server")))
    return document
