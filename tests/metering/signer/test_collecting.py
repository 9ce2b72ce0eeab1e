"""The hot account agrees to one call of one contract, and to nothing that the contract might do."""

from dataclasses import replace
from hashlib import sha256

import pytest
from stellar_sdk import Address, Network, StrKey, scval
from stellar_sdk import xdr as stellar_xdr

from metering.settlement.signer import Reason, Refused
from metering.settlement.strkey import BadAddress, contract_key
from metering.signer.collecting import CollectingOrder, Verb, authorization_hash

PASSPHRASE = "Standalone Network ; February 2017"
ORDER = CollectingOrder(
    contract=StrKey.encode_contract(bytes(range(32))),
    verb=Verb.SETTLE,
    cumulative=12_345_678_901,
    signature=bytes(range(64)),
    nonce=2**62 + 5,
    last_ledger=4_000_000_000,
)


def hashed_by_the_sdk(order: CollectingOrder) -> bytes:
    arguments = [scval.to_int128(order.cumulative), scval.to_bytes(order.signature)]
    kind = stellar_xdr.SorobanAuthorizedFunctionType
    invocation = stellar_xdr.SorobanAuthorizedInvocation(
        stellar_xdr.SorobanAuthorizedFunction(
            kind.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CONTRACT_FN,
            contract_fn=stellar_xdr.InvokeContractArgs(
                Address(order.contract).to_xdr_sc_address(),
                stellar_xdr.SCSymbol(order.verb.value.encode()),
                arguments,
            ),
        ),
        [],
    )
    preimage = stellar_xdr.HashIDPreimage(
        stellar_xdr.EnvelopeType.ENVELOPE_TYPE_SOROBAN_AUTHORIZATION,
        soroban_authorization=stellar_xdr.HashIDPreimageSorobanAuthorization(
            stellar_xdr.Hash(Network(PASSPHRASE).network_id()),
            stellar_xdr.Int64(order.nonce),
            stellar_xdr.Uint32(order.last_ledger),
            invocation,
        ),
    )
    return sha256(preimage.to_xdr_bytes()).digest()


@pytest.mark.parametrize("order", [ORDER, replace(ORDER, verb=Verb.CLOSE, cumulative=0, nonce=-1)])
def test_what_is_signed_is_an_authorization_without_calls_below(order: CollectingOrder) -> None:
    assert authorization_hash(order, PASSPHRASE) == hashed_by_the_sdk(order)


@pytest.mark.parametrize(
    "order",
    [
        replace(ORDER, contract=StrKey.encode_ed25519_public_key(bytes(32))),
        replace(ORDER, contract=ORDER.contract[:-1]),
        replace(ORDER, cumulative=-1),
        replace(ORDER, cumulative=2**63),
        replace(ORDER, signature=bytes(63)),
        replace(ORDER, nonce=2**63),
        replace(ORDER, last_ledger=2**32),
    ],
)
def test_what_no_call_can_say_is_refused(order: CollectingOrder) -> None:
    with pytest.raises(Refused) as refused:
        authorization_hash(order, PASSPHRASE)
    assert refused.value.reason is Reason.MALFORMED


def test_a_contracts_address_is_told_from_an_accounts() -> None:
    assert contract_key(ORDER.contract) == bytes(range(32))
    with pytest.raises(BadAddress):
        contract_key(StrKey.encode_ed25519_public_key(bytes(32)))
