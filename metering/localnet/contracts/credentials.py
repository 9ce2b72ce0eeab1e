"""Signatures under authorization entries, and the nonces that make each good for one time."""

import hashlib

from stellar_sdk import Address, Keypair, Network, StrKey, scval
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.exceptions import BadSignatureError

from metering.localnet.contracts.storage import ENTRY_LEDGERS_MAX, Storage
from metering.localnet.contracts.trap import Trapped
from metering.localnet.entries import Account
from metering.localnet.signatures import Level

_SIGNATURES_MAX = 20  # MAX_ACCOUNT_SIGNATURES in soroban-env-host
_VOID = stellar_xdr.SCVal(stellar_xdr.SCValType.SCV_VOID)


def authenticate(
    entry: stellar_xdr.SorobanAuthorizationEntry, storage: Storage, passphrase: str
) -> None:
    """Check the signatures of an entry with an address's credentials, and use up its nonce.

    Raises:
        Trapped: it came too late or was used before, or is not signed as the account asks for.
    """
    credentials = entry.credentials.address
    assert credentials is not None, "asked only of an address's credentials"
    address = Address.from_xdr_sc_address(credentials.address).address
    last = credentials.signature_expiration_ledger.uint32
    if last < storage.ledger:
        raise Trapped("Auth", "InvalidInput", "signature has expired")
    if last > storage.ledger + ENTRY_LEDGERS_MAX:
        raise Trapped("Auth", "InvalidInput", "signature expiration is too late")
    nonce = nonce_key(credentials.nonce.int64)
    if storage.data(address, nonce, persistent=False) is not None:
        raise Trapped("Auth", "ExistingValue", "nonce already exists for address")
    if not StrKey.is_valid_ed25519_public_key(address):
        raise Trapped("Auth", "InvalidAction", "this network has no contract that signs")
    account = storage.account(address)
    if account is None:
        raise Trapped("Auth", "InvalidInput", "the account that should sign does not exist")
    _check_weight(credentials.signature, account, payload(entry, passphrase))
    storage.put_data(address, nonce, _VOID, live_until=last)


def payload(entry: stellar_xdr.SorobanAuthorizationEntry, passphrase: str) -> bytes:
    """The hash that is signed (`HashIDPreimageSorobanAuthorization`)."""
    credentials = entry.credentials.address
    assert credentials is not None, "asked only of an address's credentials"
    preimage = stellar_xdr.HashIDPreimage(
        stellar_xdr.EnvelopeType.ENVELOPE_TYPE_SOROBAN_AUTHORIZATION,
        soroban_authorization=stellar_xdr.HashIDPreimageSorobanAuthorization(
            network_id=stellar_xdr.Hash(Network(passphrase).network_id()),
            nonce=credentials.nonce,
            signature_expiration_ledger=credentials.signature_expiration_ledger,
            invocation=entry.root_invocation,
        ),
    )
    return hashlib.sha256(preimage.to_xdr_bytes()).digest()


def nonce_key(nonce: int) -> stellar_xdr.SCVal:
    """The key of the entry that remembers a used nonce."""
    return stellar_xdr.SCVal(
        stellar_xdr.SCValType.SCV_LEDGER_KEY_NONCE,
        nonce_key=stellar_xdr.SCNonceKey(stellar_xdr.Int64(nonce)),
    )


def _check_weight(signature: stellar_xdr.SCVal, account: Account, signed: bytes) -> None:
    """The account's own contract: its signers reach the medium threshold, each once."""
    weights, total, before = account.weights, 0, b""
    for key, raw in _signatures(signature):
        if key <= before:
            raise Trapped("Contract", "#5", "public keys are not ordered")
        before = key
        signer = StrKey.encode_ed25519_public_key(key)
        try:
            Keypair.from_public_key(signer).verify(signed, raw)
        except BadSignatureError as error:
            raise Trapped("Crypto", "InvalidInput", "failed ED25519 verification") from error
        if signer not in weights:
            raise Trapped("Contract", "#5", "signature doesn't belong to account")
        total += weights[signer]
    if total < account.thresholds[Level.MEDIUM] or not total:
        raise Trapped("Contract", "#5", "signature weight is too low")


def _signatures(signature: stellar_xdr.SCVal) -> list[tuple[bytes, bytes]]:
    try:
        listed = [scval.from_struct(item) for item in scval.from_vec(signature)]
        read = [
            (scval.from_bytes(item["public_key"]), scval.from_bytes(item["signature"]))
            for item in listed
        ]
    except (ValueError, KeyError) as error:
        raise Trapped("Value", "InvalidInput", "signature has not the form of accounts") from error
    if not 0 < len(read) <= _SIGNATURES_MAX or any(len(key) != 32 for key, _ in read):
        raise Trapped("Contract", "#5", "wrong number of signatures or size of keys")
    return read
