"""Rules of accounts and transfers: I1 and I2, and what they stand on."""

from config.postgres import Connection
from metering.audit.finding import Finding
from metering.audit.question import Question
from metering.ledger.ledger_postgres import DRIFTED

_ACCOUNTS = "SELECT count(*) FROM ledger_account"

_TRANSFERS = "SELECT count(*) FROM ledger_transfer"

_BALANCE_IS_TRANSFERS = f"""
SELECT format('%s holds %s, and its transfers come to %s', id, balance, coalesce(moved, 0))
{DRIFTED}"""

_ACCOUNT_OF = """
SELECT format('%s, at position %s, is between accounts that %s', entry.id, position,
    CASE WHEN debit.number IS NULL OR credit.number IS NULL
        THEN 'do not both exist' ELSE 'hold different assets' END)
FROM ledger_transfer AS entry
LEFT JOIN ledger_account AS debit ON debit.number = entry.debit
LEFT JOIN ledger_account AS credit ON credit.number = entry.credit
WHERE debit.asset IS DISTINCT FROM credit.asset OR debit.number IS NULL
"""

_TWICE = """
SELECT format('%s was posted %s times', id, count(*))
FROM (
    SELECT id FROM ledger_transfer
    UNION ALL
    SELECT id FROM ledger_closed_transfer
) AS entry
GROUP BY id HAVING count(*) > 1
"""

# What a payout says to have carried ends there.
_NONE_IS_BEHIND = """
SELECT format('%s is at position %s, and its last transfer at %s', id, last_position, last)
FROM ledger_account
JOIN (
    SELECT number, max(position) AS last
    FROM (
        SELECT debit, position FROM ledger_transfer
        UNION ALL
        SELECT credit, position FROM ledger_transfer
    ) AS line (number, position)
    GROUP BY number
) AS moved USING (number)
WHERE id >= 'creator:' AND id < 'creator;' AND last_position < last
"""

_QUESTIONS = (
    Question(
        "I1",
        "all accounts of an asset sum to zero",
        "assets",
        "SELECT count(DISTINCT asset) FROM ledger_account",
        """SELECT format('the accounts of %s sum to %s', asset, sum(balance))
        FROM ledger_account GROUP BY asset HAVING sum(balance) <> 0""",
    ),
    Question(
        "I2",
        "no account is below its floor",
        "accounts",
        _ACCOUNTS,
        """SELECT format('%s holds %s, its floor is %s', id, balance, floor)
        FROM ledger_account WHERE balance < floor
            OR floor IS NULL AND id NOT LIKE 'chain:%' AND id NOT LIKE 'expense:%'""",
    ),
    Question(
        "L1",
        "each account holds what its transfers come to",
        "accounts",
        _ACCOUNTS,
        _BALANCE_IS_TRANSFERS,
    ),
    Question(
        "L2",
        "each transfer is between two accounts of one asset",
        "transfers",
        _TRANSFERS,
        _ACCOUNT_OF,
    ),
    Question("L3", "no transfer was posted twice", "transfers", _TRANSFERS, _TWICE),
    Question(
        "L4",
        "no creator has a transfer behind what is known as the last one",
        "creators",
        "SELECT count(*) FROM ledger_account WHERE id >= 'creator:' AND id < 'creator;'",
        _NONE_IS_BEHIND,
    ),
)


async def check_accounts(connection: Connection) -> list[Finding]:
    """Add up the ledger anew."""
    return [await question.ask(connection) for question in _QUESTIONS]
