"""Payments as a chain shows them, made up."""

from hashlib import sha256

from stellar_sdk import Keypair

from metering.funding.deposit import Addresses, Rules, network_name
from metering.money import Stroops
from metering.settlement.feed import ChainPayment

PASSPHRASE = "Made-up Network ; play money"


def address(name: str) -> str:
    """Somebody's account."""
    return Keypair.from_raw_ed25519_seed(sha256(name.encode()).digest()).public_key


HOT, DEPOSIT, FRIENDBOT, WALLET = map(address, ("hot", "deposit", "friendbot", "wallet"))
CHANNEL, ISSUER = address("channel"), address("issuer")
USDC = f"USDC:{ISSUER}"
XLM = 10**7


def rules(deposit: str = HOT, minimum: int = 1_000, *assets: str) -> Rules:
    return Rules(
        network_name(PASSPHRASE),
        Addresses(HOT, deposit, frozenset([CHANNEL]), FRIENDBOT),
        frozenset(assets or ("XLM", USDC)),
        Stroops(minimum),
    )


def paid(
    event: int,
    amount: int = XLM,
    *,
    number: int | None = None,
    memo: int | None = None,
    asset: str = "XLM",
    source: str = WALLET,
    destination: str = HOT,
) -> ChainPayment:
    """One payment, `event` in the order of the chain."""
    transaction = sha256(f"transaction {event}".encode()).hexdigest()
    return ChainPayment(
        id=f"{transaction}:0",
        cursor=f"{event:010d}",
        ledger=100 + event,
        closed_at=1_790_000_000 + 5 * event,
        transaction=transaction,
        source=source,
        destination=destination,
        muxed_id=number,
        memo_id=memo,
        asset=asset,
        amount=Stroops(amount),
    )
