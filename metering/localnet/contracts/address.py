"""Ids of contracts and of the entries that they keep (CAP-46)."""

import hashlib

from stellar_sdk import Address, Network, StrKey
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.entries import Key
from metering.localnet.entry_xdr import key_xdr
from metering.localnet.events import asset_contract


def contract_address(preimage: stellar_xdr.ContractIDPreimage, passphrase: str) -> str:
    """The C... address that a contract made from this preimage has."""
    hashed = stellar_xdr.HashIDPreimage(
        stellar_xdr.EnvelopeType.ENVELOPE_TYPE_CONTRACT_ID,
        contract_id=stellar_xdr.HashIDPreimageContractID(
            stellar_xdr.Hash(Network(passphrase).network_id()), preimage
        ),
    )
    return StrKey.encode_contract(hashlib.sha256(hashed.to_xdr_bytes()).digest())


def asset_address(asset: str, passphrase: str) -> str:
    """The C... address of an asset's contract, whether or not it was made."""
    return StrKey.encode_contract(asset_contract(asset, passphrase))


def classic_account(address: Address) -> str | None:
    """The G... account behind an address, without the id of a multiplexed one; else None."""
    if StrKey.is_valid_ed25519_public_key(address.address):
        return address.address
    if not StrKey.is_valid_med25519_public_key(address.address):
        return None
    raw = StrKey.decode_med25519_public_key(address.address)
    return StrKey.encode_ed25519_public_key(raw[:32])


def key_hash(key: Key) -> str:
    """The hash (hex) under which an entry's time to live is kept."""
    return hashlib.sha256(key_xdr(key).to_xdr_bytes()).hexdigest()
