from hypothesis import given
from hypothesis import strategies as st

from packager.least_recent import LeastRecent


def test_what_was_not_asked_for_longest_goes_first() -> None:
    table: LeastRecent[str, int] = LeastRecent(weight_max=3)
    for name in "abc":
        table.put(name, ord(name), 1)
    assert table.get("a") == ord("a")
    table.put("d", ord("d"), 1)
    assert table.get("b") is None
    assert [table.get(name) for name in "acd"] == [ord(name) for name in "acd"]


def test_what_is_too_heavy_is_not_kept_and_replaces_nothing_else() -> None:
    table: LeastRecent[str, int] = LeastRecent(weight_max=3)
    table.put("a", 1, 2)
    table.put("b", 2, 4)
    assert table.get("a") == 1
    assert table.get("b") is None
    table.put("a", 3, 4)
    assert table.get("a") is None
    assert table.weight == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=60))
def test_the_weight_is_never_more_than_it_may_be(puts: list[tuple[int, int]]) -> None:
    table: LeastRecent[int, int] = LeastRecent(weight_max=10)
    for key, weight in puts:
        table.put(key, weight, weight)
        assert table.weight <= 10
        held = [value for key in range(6) if (value := table.get(key)) is not None]
        assert sum(held) == table.weight
