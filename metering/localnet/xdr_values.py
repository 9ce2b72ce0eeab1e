"""Small conversions between our values and Stellar's XDR types."""

from stellar_sdk import StrKey
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.entries import NATIVE


class UnsupportedXdr(ValueError):
    """A valid XDR value of a kind that this network does not have."""


def account_id(address: str) -> stellar_xdr.AccountID:
    """The XDR of a G... address."""
    key = StrKey.decode_ed25519_public_key(address)
    return stellar_xdr.AccountID(
        stellar_xdr.PublicKey(
            stellar_xdr.PublicKeyType.PUBLIC_KEY_TYPE_ED25519, stellar_xdr.Uint256(key)
        )
    )


def address_of(account: stellar_xdr.AccountID) -> str:
    """The G... address in an XDR account id."""
    assert account.account_id.ed25519 is not None
    return StrKey.encode_ed25519_public_key(account.account_id.ed25519.uint256)


def address_of_muxed(account: stellar_xdr.MuxedAccount) -> str:
    """The G... address behind a plain or multiplexed account (CAP-27)."""
    key = account.ed25519 if account.med25519 is None else account.med25519.ed25519
    assert key is not None
    return StrKey.encode_ed25519_public_key(key.uint256)


def muxed_id(account: stellar_xdr.MuxedAccount) -> int | None:
    """The id of a multiplexed account; None for a plain one."""
    return None if account.med25519 is None else account.med25519.id.uint64


def balance_id(hash_: str) -> stellar_xdr.ClaimableBalanceID:
    """The XDR of a claimable balance's id, from the hash in it (hex)."""
    return stellar_xdr.ClaimableBalanceID(
        stellar_xdr.ClaimableBalanceIDType.CLAIMABLE_BALANCE_ID_TYPE_V0,
        stellar_xdr.Hash(bytes.fromhex(hash_)),
    )


def balance_hash(id_: stellar_xdr.ClaimableBalanceID) -> str:
    """The hash (hex) in a claimable balance's id."""
    assert id_.v0 is not None, "ids of claimable balances have one version"
    return id_.v0.hash.hex()


AnyAsset = stellar_xdr.Asset | stellar_xdr.ChangeTrustAsset | stellar_xdr.TrustLineAsset


def asset_text(asset: AnyAsset) -> str:
    """`native` or `CODE:ISSUER`.

    Raises:
        UnsupportedXdr: a liquidity pool share.
    """
    if asset.type == stellar_xdr.AssetType.ASSET_TYPE_NATIVE:
        return NATIVE
    credit = asset.alpha_num4 or asset.alpha_num12
    if credit is None:
        raise UnsupportedXdr("this network has no liquidity pools")
    code = credit.asset_code
    raw = code.asset_code4 if isinstance(code, stellar_xdr.AssetCode4) else code.asset_code12
    return f"{raw.rstrip(b'\0').decode('ascii')}:{address_of(credit.issuer)}"


def asset_xdr(asset: str) -> stellar_xdr.Asset:
    """The XDR of `native` or `CODE:ISSUER`."""
    if asset == NATIVE:
        return stellar_xdr.Asset(stellar_xdr.AssetType.ASSET_TYPE_NATIVE)
    line = trust_line_asset(asset)
    return stellar_xdr.Asset(line.type, alpha_num4=line.alpha_num4, alpha_num12=line.alpha_num12)


def trust_line_asset(asset: str) -> stellar_xdr.TrustLineAsset:
    """The XDR of `CODE:ISSUER` in a trust line."""
    code, issuer = split_asset(asset)
    raw = code.encode("ascii")
    if len(raw) <= 4:
        return stellar_xdr.TrustLineAsset(
            stellar_xdr.AssetType.ASSET_TYPE_CREDIT_ALPHANUM4,
            alpha_num4=stellar_xdr.AlphaNum4(
                stellar_xdr.AssetCode4(raw.ljust(4, b"\0")), account_id(issuer)
            ),
        )
    return stellar_xdr.TrustLineAsset(
        stellar_xdr.AssetType.ASSET_TYPE_CREDIT_ALPHANUM12,
        alpha_num12=stellar_xdr.AlphaNum12(
            stellar_xdr.AssetCode12(raw.ljust(12, b"\0")), account_id(issuer)
        ),
    )


def split_asset(asset: str) -> tuple[str, str]:
    """Code and issuer of `CODE:ISSUER`."""
    code, _, issuer = asset.partition(":")
    return code, issuer
