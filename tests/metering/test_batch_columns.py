"""What Postgres is told of a batch; that it understands it, `tests/conformance` shows."""

import dataclasses
from datetime import UTC, datetime

from metering.batch_columns import columns_of
from metering.money import Stroops
from metering.session import Allowance, Batch, Served, Session, SessionChange, unstarted
from metering.tariff import Price
from metering.terms import Terms

AT = datetime(2026, 11, 21, tzinfo=UTC)
TERMS = Terms.of(Price("XLM", 1, 1))


def change(name: str, *served: Served, terms: Terms = TERMS) -> SessionChange:
    session = Session(name, "v", "ast", "creator", terms, AT)
    saved = unstarted(session)._replace(
        revision=4, drawn=9, posted=180_000, amount=Stroops(2), state=f"[{name}]"
    )
    return SessionChange(saved.session.id, saved, first_tick=1, drawn=3, amount=1, served=served)


def test_each_session_has_a_place_in_every_column_however_much_it_was_promised() -> None:
    parts = (Served(7, 10, 20), Served(8, 20, 30), Served(9, 30, 31))
    changes = (change("b", Served(7, 0, 20)), change("a"), change("c", *parts))
    assert columns_of(Batch(tuple(each.row for each in changes), fence=5)) == (
        *("b\na\nc", "{4,4,4}", "{3,3,3}", "{1,1,1}", "{1,1,1}", "{180000,180000,180000}"),
        *("[b]\n[a]\n[c]", "{7,0,7}", "{0,0,10}", "{20,0,20}", None),
        *(("c", "c"), (4, 4), (8, 9), (20, 30), (30, 31)),
        *[None] * 9,
        5,
    )


def test_what_few_sessions_have_is_told_of_those() -> None:
    plain, ended, repriced = change("a"), change("b"), change("c")
    ended = ended._replace(saved=ended.saved._replace(closed_at=AT))
    better = dataclasses.replace(TERMS, rungs=(5, 6))
    saved = change("c", terms=better).saved._replace(rungs=(5, 6))
    repriced = repriced._replace(saved=saved, repriced=True)
    rows = (plain.row, ended.row, repriced.row)
    batch = Batch(rows, (Allowance("v", AT, 77),), fence=5)
    assert columns_of(batch)[10:] == (
        "\n\n{5,6}",
        *[None] * 5,
        *(("b",), (AT,)),
        *(("v",), (AT,), (77,)),
        *(("c",), (4,), (better.tariff.id,), ("{5,6}",)),
        5,
    )


def test_an_empty_batch_has_all_columns() -> None:
    everything = columns_of(Batch((), fence=5))
    assert everything == ("", *["{}"] * 5, "", *["{}"] * 3, *[None] * 15, 5)
