"""Vouchers are what the contract takes: the same bytes, the same signatures, and no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey
from stellar_sdk import StrKey, scval
from stellar_sdk import xdr as stellar_xdr

from metering.money import STROOPS_MAX, Stroops
from metering.settlement.strkey import BadAddress
from metering.vouchers.commitment import Commitments, Verifier, network_id

NETWORK = network_id("Standalone Network ; February 2017")
CONTRACT = StrKey.encode_contract(bytes(range(32)))

# Contract, key, amount and signature of upstream's test snapshots (stellar-experimental/
# one-way-channel, contracts/channel/test_snapshots at 4b2fce5 and 1d89b38), made by its Rust code
# for a network of zeros: test_settle_during_close_start and test_close_twice, twice.
UPSTREAM_CONTRACT = "CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAK3IM"
UPSTREAM = (
    (
        "fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f618",
        200,
        "401d41e9a2ebd73c339c0450dd5f59bbb14c7a88e7c7db13131505bb14a98a33"
        "c1af49a333df2298170340a356cffab85861ef89c9dc4bde88cbc22dc6954905",
    ),
    (
        "31f3322d4923d36c41c109bdb0099193187bed99942096e4926a24c77efd0d2f",
        300,
        "789358b794c53f03a1d12056580e4f952079fabd7d9b361ff981a1401aff07b7"
        "5e552b580cea2dffdf370e13752659651465870a7459d228ff8220898e29440f",
    ),
    (
        "31f3322d4923d36c41c109bdb0099193187bed99942096e4926a24c77efd0d2f",
        500,
        "3ab44a625c0a97728616d8ac2e66c18acb2cf78a13b3b56067b8e2862e781728"
        "f6ba3ed7492854a66a6437cb98a8a1b3e258f955febba6119df9ae7733a7960d",
    ),
)


def encoded_by_the_sdk(cumulative: int, contract: str, network: bytes) -> bytes:
    values = {
        "amount": scval.to_int128(cumulative),
        "channel": scval.to_address(contract),
        "domain": scval.to_symbol("chancmmt"),
        "network": scval.to_bytes(network),
    }
    entries = [stellar_xdr.SCMapEntry(scval.to_symbol(key), value) for key, value in values.items()]
    return stellar_xdr.SCVal(
        stellar_xdr.SCValType.SCV_MAP, map=stellar_xdr.SCMap(entries)
    ).to_xdr_bytes()


@given(
    st.integers(0, STROOPS_MAX),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
)
def test_a_commitment_is_laid_out_as_the_sdk_encodes_it(
    cumulative: int, contract: bytes, network: bytes
) -> None:
    address = StrKey.encode_contract(contract)
    message = Commitments(address, network).message(cumulative)
    assert message == encoded_by_the_sdk(cumulative, address, network)
    assert len(message) == 192


@pytest.mark.parametrize(("key", "amount", "signature"), UPSTREAM)
def test_what_upstreams_own_code_signed_is_good(key: str, amount: int, signature: str) -> None:
    verifier = Verifier(Commitments(UPSTREAM_CONTRACT, bytes(32)), bytes.fromhex(key))
    assert verifier.is_good(Stroops(amount), bytes.fromhex(signature))
    assert not verifier.is_good(Stroops(amount + 1), bytes.fromhex(signature))


def test_a_signature_is_good_for_its_own_payment_channel_sum_and_network_only() -> None:
    signer = SigningKey.generate()
    key = bytes(signer.verify_key)
    commitments = Commitments(CONTRACT, NETWORK)
    signature = signer.sign(commitments.message(1_000)).signature
    assert Verifier(commitments, key).is_good(Stroops(1_000), signature)
    others = (
        Verifier(Commitments(UPSTREAM_CONTRACT, NETWORK), key),
        Verifier(Commitments(CONTRACT, bytes(32)), key),
        Verifier(commitments, bytes(SigningKey.generate().verify_key)),
    )
    assert not any(other.is_good(Stroops(1_000), signature) for other in others)
    verifier = Verifier(commitments, key)
    assert not verifier.is_good(Stroops(999), signature)
    assert not verifier.is_good(Stroops(-1), signature)
    assert not verifier.is_good(Stroops(1_000), signature[:-1])


# The orders of these points divide eight (RFC 8032, 5.1; the list of ed25519-dalek's tests).
SMALL_ORDER = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)


@pytest.mark.parametrize("key", SMALL_ORDER)
def test_a_key_for_which_any_signature_fits_pays_for_nothing(key: str) -> None:
    """With such a key, R = key (or the neutral point) and S = 0 pass a lax verifier for every
    message of some amounts; the contract refuses them, so we must.
    """
    verifier = Verifier(Commitments(CONTRACT, NETWORK), bytes.fromhex(key))
    forgeries = [bytes.fromhex(point) + bytes(32) for point in SMALL_ORDER]
    assert not any(
        verifier.is_good(Stroops(amount), forged) for amount in range(64) for forged in forgeries
    )


def test_a_signature_has_one_form() -> None:
    """S plus the group's order is the same number to a lax verifier (RFC 8032, 5.1.7)."""
    order = 2**252 + 27742317777372353535851937790883648493
    signer = SigningKey.generate()
    commitments = Commitments(CONTRACT, NETWORK)
    signature = signer.sign(commitments.message(5)).signature
    again = int.from_bytes(signature[32:], "little") + order
    other = signature[:32] + again.to_bytes(32, "little")
    assert not Verifier(commitments, bytes(signer.verify_key)).is_good(Stroops(5), other)


@pytest.mark.parametrize(
    "address",
    [
        "",
        CONTRACT[:-1],
        CONTRACT.lower(),
        CONTRACT[:-1] + ("A" if CONTRACT[-1] != "A" else "B"),
        StrKey.encode_ed25519_public_key(bytes(32)),
        "C" + "A" * 55,
    ],
)
def test_what_is_no_contract_is_told_apart(address: str) -> None:
    with pytest.raises(BadAddress):
        Commitments(address, NETWORK)
