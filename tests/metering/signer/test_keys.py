"""Keys from a seed, against the SDK."""

import pytest
from stellar_sdk import Keypair

from metering.signer.keys import BadSeed, Keys, new_seed
from tests.metering.signer.plans import KEYS, SEED


def test_the_hot_account_is_the_one_that_the_seed_is_of() -> None:
    assert Keypair.from_secret(SEED).public_key == KEYS.hot
    fresh = new_seed()
    assert Keypair.from_secret(fresh).public_key == Keys(fresh).hot


def test_channel_accounts_follow_from_the_seed_and_are_all_different() -> None:
    assert Keys(SEED).channels == KEYS.channels
    assert len(KEYS.accounts) == 5
    for address in KEYS.accounts:
        [(public, signature)] = KEYS.sign(b"hash", [address, address]).items()
        assert Keypair.from_public_key(address).raw_public_key() == public
        Keypair.from_public_key(address).verify(b"hash", signature)


@pytest.mark.parametrize("bad", ["", "S", SEED[:-1] + "A", SEED.lower(), KEYS.hot, SEED + "\n"])
def test_what_is_no_seed_is_refused_without_telling_it(bad: str) -> None:
    with pytest.raises(BadSeed) as refused:
        Keys(bad)
    assert str(refused.value) == "not a Stellar secret seed"
    assert refused.value.__cause__ is None
    assert SEED not in repr(KEYS)
