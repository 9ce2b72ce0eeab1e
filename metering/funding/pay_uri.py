"""A payment as a link that wallets open (SEP-7, operation `pay`)."""

from urllib.parse import quote, urlencode

from metering.money import NATIVE

PUBLIC_PASSPHRASE = "Public Global Stellar Network ; September 2015"


def pay_uri(address: str, memo_id: int, asset: str, passphrase: str, message: str = "") -> str:
    """The link; who pays chooses the amount.

    Args:
        address: who is paid, an account (G...): a memo is understood by more wallets than a muxed
            address.
        memo_id: which of its owners is meant.
        asset: `XLM`, or `CODE:ISSUER`.
        passphrase: of the network; left out where it is the one that wallets take by default.
        message: what the wallet shows to its user, 300 characters at most (SEP-7, `msg`).
    """
    fields = {"destination": address}
    if asset != NATIVE:
        fields["asset_code"], _, fields["asset_issuer"] = asset.partition(":")
    fields |= {"memo": str(memo_id), "memo_type": "MEMO_ID"}
    if message:
        fields["msg"] = message[:300]
    if passphrase != PUBLIC_PASSPHRASE:
        fields["network_passphrase"] = passphrase
    return "web+stellar:pay?" + urlencode(fields, quote_via=quote)
