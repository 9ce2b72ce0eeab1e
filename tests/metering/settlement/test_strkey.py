"""Addresses as SEP-23 writes them."""

import pytest
from stellar_sdk import Keypair, MuxedAccount

from metering.settlement.strkey import (
    Address,
    BadAddress,
    account_key,
    read_address,
    write_address,
)

# SEP-23, "Tests": one key as an account, and as its owner 9223372036854775808.
PLAIN = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"
MUXED = "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVAAAAAAAAAAAAAJLK"
KEY = bytes.fromhex("3f0c34bf93ad0d9971d04ccc90f705511c838aad9734a4a2fb0d7a03fc7fe89a")


def test_an_account_and_one_of_its_owners_are_read_and_written() -> None:
    assert read_address(PLAIN) == Address(KEY)
    assert read_address(MUXED) == Address(KEY, 9223372036854775808)
    for text in (PLAIN, MUXED):
        assert write_address(read_address(text)) == text
    assert account_key(PLAIN) == KEY


def test_the_sdk_writes_the_same() -> None:
    for number in (0, 1, 2**64 - 1):
        keypair = Keypair.random()
        address = MuxedAccount(keypair.public_key, number).account_muxed
        assert address is not None
        assert read_address(address) == Address(keypair.raw_public_key(), number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "G" * 56,
        PLAIN.lower(),
        PLAIN[:-1] + "A",
        PLAIN + " ",
        # SEP-23, "Invalid": unused bits set, too long, a wrong algorithm, another kind of key.
        "GAAAAAAAACGC6",
        "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUR",
        "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZA",
        "G47QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVP2I",
        "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVAAAAAAAAAAAAAJLKA",
        Keypair.from_raw_ed25519_seed(KEY).secret,
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        read_address(text)


def test_a_muxed_address_is_no_plain_account() -> None:
    with pytest.raises(BadAddress):
        account_key(MUXED)
