"""Rules of what was promised to the chain: I10, I11 and I15, as far as our side can tell."""

from config.postgres import Connection
from metering.audit.finding import Finding
from metering.audit.question import Question

# Of closed parts the ids of all but the sessions' transfers are kept, with what they moved.
ENTRY = """
entry AS (
    SELECT id, debit, credit, amount, cause FROM ledger_transfer
    UNION ALL
    SELECT id, debit, credit, amount, cause FROM ledger_closed_transfer
)
"""

# What each row of the outbox has to have moved, and what it may not have. What is taken back of a
# balance that nobody claimed comes from the chain, and nothing is set aside for it.
_DUE = """
batch AS (
    SELECT payout_batch.*, coalesce(bids.reserve, fee_max) AS reserve,
        CASE WHEN code LIKE 'tx_fee_bump%' THEN 'chain:hot:XLM' ELSE fee_account END AS payer
    FROM payout_batch
    LEFT JOIN (
        SELECT payout_bump.batch AS id, greatest(max(fee), max(fee_max)) AS reserve
        FROM payout_bump JOIN payout_batch ON payout_batch.id = payout_bump.batch
        GROUP BY payout_bump.batch
    ) AS bids USING (id)
),
bid AS (
    SELECT batch, number, fee,
        lag(fee, 1, fee_max) OVER (PARTITION BY batch ORDER BY number) AS before
    FROM payout_bump JOIN payout_batch ON payout_batch.id = batch
),
line AS (
    SELECT payout.*, state, 'inflight:' || payout.id AS inflight,
        'chain:hot:' || payout.asset AS hot
    FROM payout JOIN payout_batch ON payout_batch.id = batch
),
due (id, debit, credit, amount, is_due) AS (
    SELECT id || ':plan', account, inflight, amount, kind <> 'reclaim' FROM line
    UNION ALL
    SELECT id || ':applied', inflight, hot, amount, state = 'applied' FROM line
    WHERE kind <> 'reclaim'
    UNION ALL
    SELECT id || ':applied', hot, account, amount, state = 'applied' FROM line
    WHERE kind = 'reclaim'
    UNION ALL
    SELECT id || ':returned', inflight, account, amount,
        state IN ('failed', 'dead') AND kind <> 'reclaim'
    FROM line
    UNION ALL
    SELECT id || ':fee', 'treasury:XLM', 'inflight:' || id, fee_max, true FROM batch
    UNION ALL
    SELECT batch || ':fee:' || number, 'treasury:XLM', 'inflight:' || batch, fee - before, true
    FROM bid
    UNION ALL
    SELECT id || ':network_fee', 'inflight:' || id, payer, fee_charged, fee_charged > 0 FROM batch
    UNION ALL
    SELECT id || ':fee_released', 'inflight:' || id, 'treasury:XLM', reserve - fee_charged,
        fee_charged < reserve
    FROM batch
)
"""

_PAYOUT_IS_TRANSFERS = f"""
WITH {ENTRY}, {_DUE}
SELECT CASE
    WHEN entry.id IS NULL THEN format('%s of %s is missing', due.id, due.amount)
    WHEN NOT coalesce(is_due, false) THEN format('%s was posted, and its payout does not say so',
        due.id)
    ELSE format('%s moved %s from %s to %s, where %s from %s to %s was due', due.id, entry.amount,
        debit.id, credit.id, due.amount, due.debit, due.credit)
    END
FROM due
LEFT JOIN entry ON entry.id = due.id
LEFT JOIN ledger_account AS debit ON debit.number = entry.debit
LEFT JOIN ledger_account AS credit ON credit.number = entry.credit
WHERE CASE WHEN coalesce(is_due, false)
    THEN (entry.amount, debit.id, credit.id)
        IS DISTINCT FROM (due.amount, due.debit, due.credit)
    ELSE entry.id IS NOT NULL END
"""

_IN_FLIGHT_IS_OUTBOX = f"""
WITH {_DUE}, under_way (id, amount) AS (
    SELECT inflight, amount FROM line
    WHERE state IN ('planned', 'signed', 'sent') AND kind <> 'reclaim'
    UNION ALL
    SELECT 'inflight:' || id, reserve FROM batch WHERE state IN ('planned', 'signed', 'sent')
), held AS (
    SELECT id, balance FROM ledger_account
    WHERE id >= 'inflight:' AND id < 'inflight;'
        AND (id LIKE 'inflight:pay\\_%' OR id LIKE 'inflight:set\\_%'
            OR id IN (SELECT id FROM under_way))
)
SELECT format('%s holds %s, and %s is under way', id, coalesce(balance, 0), coalesce(amount, 0))
FROM under_way FULL JOIN held USING (id)
WHERE coalesce(balance, 0) <> coalesce(amount, 0)
"""

# What moved out on the chain by our doing was moved by one row of the outbox.
_EVENT_IS_ENTRY = f"""
WITH {ENTRY}
SELECT format('%s is about the chain, and no payout or gift explains it', entry.id)
FROM entry
JOIN ledger_account AS hot ON hot.number = credit AND hot.id LIKE 'chain:%'
WHERE entry.id NOT IN (SELECT id || ':applied' FROM payout)
    AND entry.id NOT IN (SELECT id || ':returned' FROM payout)
    AND entry.id NOT IN (SELECT id || ':network_fee' FROM payout_batch)
    AND entry.id NOT IN (SELECT 'deposit:' || network || ':' || event FROM chain_payment)
    AND split_part(hot.id, ':', 3) NOT IN (SELECT contract FROM payment_channel)
    AND NOT EXISTS (SELECT FROM reconciliation_difference AS accepted
        WHERE starts_with(entry.id, 'restored:' || accepted.key)
            OR entry.id = 'restored:event:' || split_part(accepted.key, ':', 2) || ':fee')
"""

_QUESTIONS = (
    Question(
        "I10",
        "each entry about the chain has one event there",
        "entries",
        f"""WITH {ENTRY}, hot AS (SELECT number FROM ledger_account WHERE id LIKE 'chain:%')
        SELECT count(*) FROM entry
        CROSS JOIN LATERAL (VALUES (debit), (credit)) AS side (number)
        WHERE side.number IN (SELECT number FROM hot) AND cause NOT IN ('hold', 'void', 'post')""",
        _EVENT_IS_ENTRY,
    ),
    Question(
        "I11",
        "each payout moved what its state says, once",
        "payouts",
        "SELECT count(*) FROM payout",
        _PAYOUT_IS_TRANSFERS,
    ),
    Question(
        "I11",
        "what is in flight is what unfinished payouts say",
        "batches",
        "SELECT count(*) FROM payout_batch",
        _IN_FLIGHT_IS_OUTBOX,
    ),
    Question(
        "I15",
        "no more was paid out than came in",
        "assets",
        "SELECT count(*) FROM ledger_account WHERE id LIKE 'chain:%'",
        """SELECT format('%s was paid out beyond what came in, by %s', id, balance)
        FROM ledger_account WHERE id LIKE 'chain:%' AND balance > 0""",
    ),
)


async def check_payouts(connection: Connection) -> list[Finding]:
    """Compare the outbox with the transfers."""
    return [await question.ask(connection) for question in _QUESTIONS]
