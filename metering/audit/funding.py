"""Rules of what came in from the chain and goes back there: I10 and I11 of deposits, suspense and
withdrawals."""

from config.postgres import Connection
from metering.audit.finding import Finding
from metering.audit.payouts import ENTRY
from metering.audit.question import Question

_PAYMENT_IS_ENTRY = f"""
WITH {ENTRY}, due AS (
    SELECT 'deposit:' || network || ':' || event AS id, asset, amount, CASE kind
        WHEN 'deposit' THEN format('viewer:%s:%s', account, asset)
        WHEN 'suspense' THEN 'suspense:' || asset
        WHEN 'gift' THEN 'treasury:' || asset
        ELSE 'chain:deposit:' || asset END AS credit
    FROM chain_payment
)
SELECT CASE
    WHEN entry.id IS NULL THEN format('%s of %s came in and was not booked', due.id, due.amount)
    WHEN due.id IS NULL THEN format('%s was booked, and nothing came in', entry.id)
    ELSE format('%s moved %s from %s to %s, where %s to %s was due', due.id, entry.amount, debit.id,
        credit.id, due.amount, due.credit) END
FROM due
FULL JOIN (SELECT * FROM entry WHERE id >= 'deposit:' AND id < 'deposit;') AS entry USING (id)
LEFT JOIN ledger_account AS debit ON debit.number = entry.debit
LEFT JOIN ledger_account AS credit ON credit.number = entry.credit
WHERE (due.amount, due.credit) IS DISTINCT FROM (entry.amount, credit.id)
    OR debit.id NOT IN ('chain:hot:' || due.asset, 'chain:deposit:' || due.asset)
"""

_SUSPENSE_IS_UNDECIDED = """
WITH waits AS (
    SELECT 'suspense:' || payment.asset AS id, sum(payment.amount) AS amount
    FROM chain_payment AS payment
    LEFT JOIN suspense_decision AS decision USING (network, event)
    LEFT JOIN withdrawal ON withdrawal.id = decision.withdrawal
    WHERE kind = 'suspense' AND (decision.event IS NULL OR withdrawal.state = 'refused')
    GROUP BY payment.asset
)
SELECT format('%s holds %s, and %s waits there', id, coalesce(balance, 0), coalesce(amount, 0))
FROM waits
FULL JOIN (SELECT id, balance FROM ledger_account WHERE id LIKE 'suspense:%') AS held USING (id)
WHERE coalesce(balance, 0) <> coalesce(amount, 0)
"""

# One that is open lies in its account, unless the outbox has it; then nothing does.
_WITHDRAWAL_IS_TRANSFERS = f"""
WITH {ENTRY}, due (id, debit, credit, amount, is_due) AS (
    SELECT id || ':requested', origin, 'inflight:' || id, amount, true FROM withdrawal
    UNION ALL
    SELECT id || ':refused', 'inflight:' || id, origin, amount, state = 'refused' FROM withdrawal
)
SELECT format('%s is not what its withdrawal says', due.id)
FROM due
LEFT JOIN entry ON entry.id = due.id
LEFT JOIN ledger_account AS debit ON debit.number = entry.debit
LEFT JOIN ledger_account AS credit ON credit.number = entry.credit
WHERE CASE WHEN is_due
    THEN (entry.amount, debit.id, credit.id) IS DISTINCT FROM (due.amount, due.debit, due.credit)
    ELSE entry.id IS NOT NULL END
UNION ALL
SELECT format('%s holds %s, and %s is to be paid', held.id, balance,
    CASE WHEN lies THEN amount ELSE 0 END)
FROM (
    SELECT 'inflight:' || id AS id, amount, state = 'open' AND NOT EXISTS (
        SELECT FROM payout JOIN payout_batch AS batch ON batch.id = payout.batch
        WHERE due = withdrawal.id AND batch.state NOT IN ('failed', 'dead')
    ) AS lies
    FROM withdrawal
) AS wanted
JOIN ledger_account AS held USING (id)
WHERE balance <> CASE WHEN lies THEN amount ELSE 0 END
"""

_QUESTIONS = (
    Question(
        "I10",
        "each payment that came in was booked once, as what it is",
        "payments",
        "SELECT count(*) FROM chain_payment",
        _PAYMENT_IS_ENTRY,
    ),
    Question(
        "I10",
        "what is in suspense is what nobody decided about",
        "payments",
        "SELECT count(*) FROM chain_payment WHERE kind = 'suspense'",
        _SUSPENSE_IS_UNDECIDED,
    ),
    Question(
        "I11",
        "each withdrawal moved what its state says, once",
        "withdrawals",
        "SELECT count(*) FROM withdrawal",
        _WITHDRAWAL_IS_TRANSFERS,
    ),
)


async def check_funding(connection: Connection) -> list[Finding]:
    """Compare what came in, and what was taken out, with the transfers."""
    return [await question.ask(connection) for question in _QUESTIONS]
