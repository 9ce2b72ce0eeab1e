"""Which events are money, and how much."""

import pytest
from stellar_sdk import Address, Asset, Keypair, StrKey, scval
from stellar_sdk import xdr as stellar_xdr

from metering.settlement.chain_event import Movement, movement, topics_about

PASSPHRASE = "Events ; tests"
# The same ones in each process: they are part of the names of tests.
ANA, BEN, ISSUER = (
    Keypair.from_raw_ed25519_seed(bytes([number]) * 32).public_key for number in range(3)
)
USD = Asset("USD", ISSUER)
LUMENS = Asset.native().contract_id(PASSPHRASE)
STRANGER = StrKey.encode_contract(bytes(32))


def topics(kind: str, *parties: str, asset: str = "native") -> list[str]:
    values = [scval.to_symbol(kind), *(scval.to_address(Address(each)) for each in parties)]
    return [value.to_xdr() for value in (*values, scval.to_string(asset))]


def value(amount: int, told: stellar_xdr.SCVal | None = None) -> str:
    if told is None:
        return scval.to_int128(amount).to_xdr()
    fields = {"amount": scval.to_int128(amount), "to_muxed_id": told}
    return scval.to_map({scval.to_symbol(name): each for name, each in fields.items()}).to_xdr()


def test_lumens_go_from_one_account_to_another() -> None:
    moved = movement(LUMENS, topics("transfer", ANA, BEN), value(5), PASSPHRASE)
    assert moved == Movement(ANA, BEN, "XLM", 5, None)  # type: ignore[arg-type]


def test_a_number_says_whom_it_is_for_and_text_does_not() -> None:
    for told, number in (
        (scval.to_uint64(2**64 - 1), 2**64 - 1),
        (scval.to_string("7"), None),
        (scval.to_bytes(bytes(32)), None),
    ):
        moved = movement(LUMENS, topics("transfer", ANA, BEN), value(5, told), PASSPHRASE)
        assert moved is not None
        assert (moved.amount, moved.told_id) == (5, number)


def test_issuers_mint_what_they_pay_and_burn_what_they_are_paid() -> None:
    asset, contract = f"USD:{ISSUER}", USD.contract_id(PASSPHRASE)
    for kind, party, route in (
        ("mint", ANA, (ISSUER, ANA)),
        ("burn", ANA, (ANA, ISSUER)),
        ("clawback", ANA, (ANA, ISSUER)),
    ):
        moved = movement(contract, topics(kind, party, asset=asset), value(5), PASSPHRASE)
        assert moved is not None
        assert (moved.source, moved.destination, moved.asset) == (*route, asset)


@pytest.mark.parametrize(
    ("contract", "asset", "passphrase"),
    [
        (STRANGER, "native", PASSPHRASE),
        (LUMENS, f"USD:{ISSUER}", PASSPHRASE),
        (USD.contract_id(PASSPHRASE), f"USD:{ANA}", PASSPHRASE),
        (LUMENS, "native", "Another Network"),
        (LUMENS, "XLM", PASSPHRASE),
        (LUMENS, "nobody's:asset", PASSPHRASE),
    ],
)
def test_another_contracts_imitation_is_no_money(
    contract: str, asset: str, passphrase: str
) -> None:
    """Whoever writes a contract can have it say that it paid us a million."""
    told = topics("transfer", ANA, BEN, asset=asset)
    assert movement(contract, told, value(10**13), passphrase) is None


@pytest.mark.parametrize(
    "told",
    [topics("approve", ANA, BEN), topics("fee", ANA), topics("transfer", ANA), topics("mint")],
)
def test_other_events_move_nothing(told: list[str]) -> None:
    assert movement(LUMENS, told, value(5), PASSPHRASE) is None


def test_a_node_is_asked_for_no_more_than_it_takes() -> None:
    filters = topics_about(ANA)
    assert len(filters) == 5
    assert all(len(each) in (3, 4) for each in filters)
