"""Rules of passes: what was paid is what was sold, and all of it is shared as its split says."""

import json
from collections import defaultdict

from config.postgres import Connection, Record
from metering.audit.finding import Check, Finding
from metering.audit.payouts import ENTRY
from metering.audit.question import Question
from metering.shares.splits import Split

# Of names that begin with `pas_`, none sorts after that and the sign after the underscore.
_PASS_IS_TRANSFERS = f"""
WITH {ENTRY}, due AS (
    SELECT id || ':price' AS id, price AS amount, format('viewer:%s:%s', account, asset) AS debit,
        'passes:' || asset AS credit
    FROM pass
    UNION ALL
    SELECT id || ':fee', fee, 'passes:' || asset, 'platform:' || asset FROM pass WHERE fee > 0
    UNION ALL
    SELECT format('%s:part:%s', pass, account), amount, 'passes:' || asset,
        format('creator:%s:%s', account, asset)
    FROM pass_part
)
SELECT CASE
    WHEN entry.id IS NULL THEN format('%s of %s is missing', due.id, due.amount)
    WHEN due.id IS NULL THEN format('%s was posted, and no pass says so', entry.id)
    ELSE format('%s moved %s from %s to %s, where %s from %s to %s was due', due.id, entry.amount,
        debit.id, credit.id, due.amount, due.debit, due.credit) END
FROM due
FULL JOIN (SELECT * FROM entry WHERE id >= 'pas_' AND id < 'pas`') AS entry USING (id)
LEFT JOIN ledger_account AS debit ON debit.number = entry.debit
LEFT JOIN ledger_account AS credit ON credit.number = entry.credit
WHERE (due.amount, due.debit, due.credit) IS DISTINCT FROM (entry.amount, debit.id, credit.id)
UNION ALL
SELECT format('%s holds %s', id, balance) FROM ledger_account
WHERE id LIKE 'passes:%' AND balance <> 0
"""

_QUESTION = Question(
    "I10",
    "each pass moved its price and its shares, once",
    "passes",
    "SELECT count(*) FROM pass",
    _PASS_IS_TRANSFERS,
)

# Most passes are alike: as many kinds as there were splits and prices.
_SPLITS = """
SELECT id, document FROM split
WHERE id > $1 AND id IN (SELECT split FROM pass) ORDER BY id LIMIT 1
"""

_ALIKE = """
SELECT price, fee, parts, count(*) AS count, min(id) AS example FROM (
    SELECT id, price, fee, coalesce((
        SELECT jsonb_object_agg(account, amount) FROM pass_part WHERE pass = pass.id
    ), '{}')::text AS parts
    FROM pass WHERE split = $1
) AS sold
GROUP BY price, fee, parts ORDER BY example
"""


async def check_passes(connection: Connection) -> list[Finding]:
    """Compare passes with the transfers, and their shares with what their splits come to."""
    return [await _QUESTION.ask(connection), await _shares(connection)]


async def _shares(connection: Connection) -> Finding:
    check = Check("I12", "shares of a pass are exact, and add up to its price", "passes")
    last = ""
    while (row := await connection.fetchrow(_SPLITS, last)) is not None:
        split = Split.from_document(json.loads(row["document"]))
        for alike in await connection.fetch(_ALIKE, row["id"]):
            check.saw(alike["count"])
            got = (alike["fee"], json.loads(alike["parts"]))
            due = _due(split, alike)
            otherwise = f"{alike['example']}: {got} of {alike['price']}, where {due} was due"
            check.require(holds=got == due, otherwise=otherwise)
        last = row["id"]
    return check.finding()


def _due(split: Split, alike: Record) -> tuple[int, dict[str, int]]:
    """The platform's part and those of the creators who get something."""
    fee, parts = split.parts(alike["price"])
    due: defaultdict[str, int] = defaultdict(int)
    for share, amount in zip(split.shares, parts, strict=True):
        if amount:
            due[share.account] += amount
    return fee, dict(due)
