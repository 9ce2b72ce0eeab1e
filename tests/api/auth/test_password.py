"""Passwords: what they have to be, and how they are kept."""

import pytest

from api.auth.password import faults_of, hash_password, is_dated, is_password
from config.limits import PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("a" * (PASSWORD_CHARACTERS_MIN - 1), "characters"),
        ("ab" * PASSWORD_CHARACTERS_MAX, "characters"),
        ("abababababab", "different"),
        ("I am VERA@example.org", "address"),
        ("my name is Veronica", "name"),
    ],
)
def test_a_password_that_others_would_guess_is_refused(password: str, fault: str) -> None:
    said = faults_of(password, "vera@example.org", "Veronica")
    assert said is not None
    assert fault in said


def test_a_sentence_will_do_also_where_a_short_name_is_in_it() -> None:
    assert faults_of("the sea at night is black", "sea", "vera@example.org") is None


def test_a_password_is_known_again_whatever_the_keyboard_makes_of_it() -> None:
    stored = hash_password("caf\u00e9 at the corner")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert stored != hash_password("caf\u00e9 at the corner"), "each has its own salt"
    assert is_password("cafe\u0301 at the corner", stored)
    assert not is_password("cafe at the corner", stored)
    assert not is_password("cafe at the corner", None)
    assert not is_dated(stored)
    assert is_dated(stored.replace("t=2", "t=1"))
