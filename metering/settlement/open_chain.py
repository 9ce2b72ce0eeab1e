"""Which of the two APIs a network is talked to over."""

from dataclasses import dataclass

from stellar_sdk.client.base_async_client import BaseAsyncClient

from metering.settlement.chain import SettledAsset
from metering.settlement.guard import NetworkGuard
from metering.settlement.horizon import Horizon
from metering.settlement.stellar_rpc import StellarRpc


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a network is to be had: RPC when it has a URL, else Horizon."""

    rpc_url: str
    horizon_url: str
    passphrase: str


def open_chain(
    endpoint: Endpoint,
    asset: SettledAsset,
    client: BaseAsyncClient,
    guard: NetworkGuard | None = None,
) -> StellarRpc | Horizon:
    """The chain behind an endpoint; nothing is asked yet.

    Args:
        endpoint: where it is.
        asset: what is paid out.
        client: how to reach it; closed with the chain.
        guard: knows the chain that our money is on.
    """
    if endpoint.rpc_url:
        return StellarRpc(endpoint.rpc_url, endpoint.passphrase, asset, client, guard)
    assert endpoint.horizon_url, "a network is configured with at least one URL"
    return Horizon(endpoint.horizon_url, endpoint.passphrase, asset, client, guard)
