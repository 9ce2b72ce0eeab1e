"""Ids sort by the time they were made and look like nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from config.ids import base32, is_id, new_id

MILLISECONDS = st.integers(min_value=0, max_value=(1 << 48) - 1)
ENTROPY = st.integers(min_value=0, max_value=(1 << 80) - 1)


@given(MILLISECONDS, MILLISECONDS, ENTROPY, ENTROPY)
def test_ids_sort_by_time_first(a_ms: int, b_ms: int, a: int, b: int) -> None:
    by_text = new_id("ast", a_ms, a) < new_id("ast", b_ms, b)
    assert by_text == ((a_ms, a) < (b_ms, b))


def test_an_id_is_its_prefix_and_26_characters() -> None:
    assert new_id("ses", 0, 0) == "ses_" + "0" * 26
    assert len(new_id("ses", 1_700_000_000_000)) == 30


def test_two_ids_of_one_moment_differ() -> None:
    assert new_id("ses", 5) != new_id("ses", 5)


@given(MILLISECONDS, ENTROPY)
def test_what_was_made_is_recognised(wall_ms: int, entropy: int) -> None:
    made = new_id("src", wall_ms, entropy)
    assert is_id("src", made)
    assert not is_id("ast", made)


@given(st.text(max_size=40))
def test_other_text_is_not_an_id(text: str) -> None:
    assert not is_id("src", text)


def test_letters_that_can_be_mistaken_are_not_used() -> None:
    letters = {base32(value, 1) for value in range(32)}
    assert len(letters) == 32
    assert not letters & set("ilou")
