"""Our seeds are those of the SDK."""

import pytest
from stellar_sdk import Keypair

from api.auth.strkey import seed_text


@pytest.mark.parametrize("seed", [bytes(32), bytes(range(32)), b"\xff" * 32])
def test_a_seed_is_written_as_everybody_writes_it(seed: bytes) -> None:
    assert seed_text(seed) == Keypair.from_raw_ed25519_seed(seed).secret


def test_other_lengths_are_no_seeds() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seed_text(b"short")
