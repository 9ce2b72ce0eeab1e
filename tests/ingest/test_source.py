from datetime import UTC, datetime

import pytest

from ingest.source import InvalidName, Source


def named(name: str) -> Source:
    return Source(
        id="src_1",
        owner="acc_1",
        name=name,
        title="Title",
        price_stroops=1,
        price_seconds=1,
        price_asset="XLM",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("name", ["a", "0", "camera-1", "a_b", "x" * 64])
def test_names_of_letters_digits_dashes_and_underscores_are_fine(name: str) -> None:
    assert named(name).name == name


@pytest.mark.parametrize("name", ["", "-a", "_a", "A", "a b", "a/b", "ä", "x" * 65, "a\n", "a."])
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        named(name)
