import secrets

import pytest

from config.signing_secret import require_strong, signing_key


def test_a_secret_stands_for_bytes_in_one_of_two_forms() -> None:
    assert signing_key("whsec_AAECAw==") == bytes([0, 1, 2, 3])
    assert signing_key("plain") == b"plain"
    with pytest.raises(ValueError, match="base 64"):
        signing_key("whsec_AAECAw")


@pytest.mark.parametrize("make", [secrets.token_hex, secrets.token_urlsafe])
def test_random_secrets_are_strong(make: object) -> None:
    assert callable(make)
    for _ in range(1_000):
        require_strong(make(32))


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("", "at least 32 bytes"),
        ("x" * 31, "at least 32 bytes"),
        ("whsec_" + "A" * 40, "at least 32 bytes"),
        ("whsec_" + "A" * 64, "random"),
        ("abcabcd" * 9, "random"),
        ("Correct_Horse_Pass-Word_Battery_Staple_1", "sample"),
        ("your-jwt-secret-key-change-in-production", "sample"),
        ("development-only-0123456789abcdefghij", "sample"),
    ],
)
def test_what_can_be_guessed_is_not(secret: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        require_strong(secret)
