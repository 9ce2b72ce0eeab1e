"""The link says to a wallet what the server wants to be told, as the SDK reads it."""

import pytest
from stellar_sdk import Keypair
from stellar_sdk.sep.stellar_uri import PayStellarUri

from metering.funding.pay_uri import PUBLIC_PASSPHRASE, pay_uri

ADDRESS = Keypair.from_raw_ed25519_seed(b"1" * 32).public_key
ISSUER = Keypair.from_raw_ed25519_seed(b"2" * 32).public_key


@pytest.mark.parametrize(
    ("asset", "code", "issuer"), [("XLM", None, None), (f"USDC:{ISSUER}", "USDC", ISSUER)]
)
def test_a_wallet_reads_it(asset: str, code: str | None, issuer: str | None) -> None:
    network = "Local Network ; play & money"
    read = PayStellarUri.from_uri(pay_uri(ADDRESS, 2**63 - 1, asset, network, "Für Ihr Guthaben"))
    assert (read.destination, read.memo_type, read.memo) == (ADDRESS, "MEMO_ID", 2**63 - 1)
    assert (read.network_passphrase, read.msg) == (network, "Für Ihr Guthaben")
    assert (read.amount, read.asset_code, read.asset_issuer) == (None, code, issuer)


def test_the_network_that_wallets_take_by_default_is_not_named() -> None:
    text = pay_uri(ADDRESS, 7, "XLM", PUBLIC_PASSPHRASE)
    assert text == f"web+stellar:pay?destination={ADDRESS}&memo=7&memo_type=MEMO_ID"
