"""The rule of payment channels, I8: vouchers are covered, and cover what was given for them."""

from config.postgres import Connection
from metering.audit.finding import Finding
from metering.audit.question import Question

# What was signed for, and neither collected nor written off, is what the payment channel's side of
# the books is short of; and what was written off was lost.
_VOUCHERS = """
WITH channel AS (
    SELECT contract, state, deposited, greatest(signed, withdrawn) AS accepted, withdrawn,
        'chain:channel:' || contract || ':' || asset AS account,
        greatest(signed, withdrawn) - withdrawn - coalesce(amount, 0) AS claimed
    FROM payment_channel LEFT JOIN channel_write_off USING (contract, asset)
), side AS (
    SELECT id, balance FROM ledger_account
    WHERE id >= 'chain:channel:' AND id < 'chain:channel;'
)
SELECT format('%s: %s is signed for and not collected, %s was given for it',
    coalesce(contract, id), coalesce(claimed, 0), coalesce(-balance, 0))
FROM channel FULL JOIN side ON id = account
WHERE coalesce(claimed, 0) <> coalesce(-balance, 0)
UNION ALL
SELECT format('%s: %s is signed for, more than was put in, %s', contract, accepted, deposited)
FROM channel WHERE state <> 'closed' AND accepted > deposited
UNION ALL
SELECT format('%s: %s was written off, and %s was moved for it', contract, written.amount,
    coalesce(entry.amount, 0))
FROM channel_write_off AS written
LEFT JOIN LATERAL (
    SELECT amount FROM ledger_transfer WHERE id = 'channel:' || contract || ':written_off'
    UNION ALL
    SELECT amount FROM ledger_closed_transfer WHERE id = 'channel:' || contract || ':written_off'
    LIMIT 1
) AS entry ON true
WHERE written.amount IS DISTINCT FROM entry.amount
"""

_QUESTION = Question(
    "I8",
    "vouchers are covered, and cover what was given for them",
    "payment channels",
    "SELECT count(*) FROM payment_channel",
    _VOUCHERS,
)


async def check_vouchers(connection: Connection) -> Finding:
    """Compare payment channels with the transfers, and with what they held when seen last."""
    return await _QUESTION.ask(connection)
