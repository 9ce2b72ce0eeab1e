"""The rule of splits, I12: shares are exact, and add up."""

import json
from collections import defaultdict

from config.postgres import Connection
from metering.audit.finding import Check, Finding
from metering.shares.splits import Split, share_accounts

_SPLITS = """
SELECT split.id, document, asset, moved
FROM split JOIN split_moved ON split_moved.split = split.id
WHERE (split.id, asset) > ($1, $2) ORDER BY split.id, asset LIMIT 1
"""

# What went from a split's account to each other one; closed parts keep these transfers' ids. No
# session takes anything from there: that is asked once, since it has to read all transfers.
_SHARED = """
SELECT target.id, sum(amount)::bigint AS amount
FROM (
    SELECT debit, credit, amount FROM ledger_transfer
    WHERE cause NOT IN ('hold', 'void', 'post')
    UNION ALL
    SELECT debit, credit, amount FROM ledger_closed_transfer
) AS entry
JOIN ledger_account AS source ON source.number = debit
JOIN ledger_account AS target ON target.number = credit
WHERE source.id = $1
GROUP BY target.id
"""

_TAKEN = """
SELECT format('%s took %s from %s', entry.id, amount, source.id), count(*) OVER ()
FROM ledger_transfer AS entry JOIN ledger_account AS source ON source.number = debit
WHERE cause IN ('hold', 'void', 'post') AND source.id >= 'unsplit:' AND source.id < 'unsplit;'
ORDER BY position LIMIT 1
"""


async def check_splits(connection: Connection) -> Finding:
    """Compare what every payee got with what its share of the whole comes to."""
    check = Check("I12", "shares of a split are exact, and add up to the whole", "splits")
    if (taken := await connection.fetchrow(_TAKEN)) is not None:
        check.violated(*taken)
    last = ("", "")
    while (row := await connection.fetchrow(_SPLITS, *last)) is not None:
        check.saw()
        split, asset = Split.from_document(json.loads(row["document"])), row["asset"]
        source, *targets = share_accounts(split, asset)
        fee, parts = split.parts(row["moved"])
        due: defaultdict[str, int] = defaultdict(int)
        for target, amount in zip(targets, (fee, *parts), strict=True):
            due[target.id] += amount
        shared = {each["id"]: each["amount"] for each in await connection.fetch(_SHARED, source.id)}
        for name in sorted(due.keys() | shared.keys()):
            got = shared.get(name, 0)
            whose = f"{split.id}: {name} got {got}"
            otherwise = f"{whose}, its share of {row['moved']} is {due[name]}"
            check.require(holds=got == due[name], otherwise=otherwise)
        otherwise = f"{row['id']}: who shares it was changed"
        check.require(holds=split.id == row["id"], otherwise=otherwise)
        last = (row["id"], asset)
    return check.finding()
