"""The account that gives lumens to whoever asks, as on Stellar's test networks."""

from stellar_sdk import Account, Asset, StrKey, TransactionBuilder

from metering.localnet.network import LocalNetwork, root_keypair
from metering.localnet.validity import BASE_FEE
from metering.money import format_amount

# Lumens are plenty here; on Stellar's test network it is the same amount.
GIFT_STROOPS = 10_000 * 10**7
_TIMEOUT_SECONDS = 60


class NotAnAddress(ValueError):
    """Not a G... address."""


def checked_address(address: str) -> str:
    """The address itself.

    Raises:
        NotAnAddress: it is none.
    """
    if not StrKey.is_valid_ed25519_public_key(address):
        raise NotAnAddress("addr is not a Stellar account id")
    return address


def gift_envelope(network: LocalNetwork, address: str, now_ms: int) -> str:
    """A signed transaction (base64) that gives `GIFT_STROOPS` to an address.

    An account that exists gets a payment however rich it is: an operator with play money may
    always ask for more.
    """
    root = root_keypair(network.passphrase)
    entry = network.account(root.public_key)
    assert entry is not None, "the root account is part of every network"
    source = Account(root.public_key, entry.sequence)
    builder = TransactionBuilder(source, network.passphrase, base_fee=BASE_FEE)
    amount = format_amount(GIFT_STROOPS)
    if network.account(address) is None:
        builder.append_create_account_op(destination=address, starting_balance=amount)
    else:
        builder.append_payment_op(destination=address, asset=Asset.native(), amount=amount)
    builder.add_time_bounds(0, now_ms // 1000 + _TIMEOUT_SECONDS)
    envelope = builder.build()
    envelope.sign(root)
    return envelope.to_xdr()
