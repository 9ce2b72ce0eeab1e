"""Places in history, as both APIs write them."""

import pytest

from metering.settlement.place import (
    BadCursor,
    end_of,
    end_of_transaction,
    event_cursor,
    event_place,
    next_ledger,
    place_at,
    transaction_cursor,
)
from metering.toid import Place


def test_a_place_is_read_as_it_was_written() -> None:
    for place in (Place(0, 0, 0), Place(5, 1, 1), Place(2**31 - 1, 7, 4095), end_of(9)):
        assert place_at(place.cursor) == place
    # The example of SEP-35: ledger 20, transaction 1, operation 1.
    assert Place(20, 1, 1).cursor == "85899350017"


def test_rpc_counts_operations_from_zero_on() -> None:
    place = Place(20, 1, 1)
    assert event_cursor(place) == "0000000085899350016-4294967294"
    assert event_place(85899350016) == place
    assert event_place(int(end_of(20).cursor)) == end_of(20)


def test_a_transaction_is_asked_for_again_unless_all_of_it_is_behind() -> None:
    assert place_at(transaction_cursor(Place(20, 3, 1))).transaction == 2
    assert place_at(transaction_cursor(Place(20, 1, 1))) == Place(20, 0, 1)
    assert end_of_transaction(20, 3) > Place(20, 3, 100)


def test_the_end_of_a_ledger_is_before_the_next() -> None:
    assert next_ledger(Place(20, 1, 1)) == 20
    assert next_ledger(end_of(20)) == 21
    assert Place(20, 1, 1) < end_of_transaction(20, 1) < end_of(20) < Place(21, 0, 0)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "12-3", "now", "٣", str(2**63)])
def test_other_texts_are_no_places(text: str) -> None:
    with pytest.raises(BadCursor):
        place_at(text)
