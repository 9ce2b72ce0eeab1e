"""The rule of what lies on the chain, I9: it is compared all the time (`reconciliation`), and this
tells what came of that.
"""

from config.postgres import Connection
from metering.audit.finding import Finding, Verdict, unchecked
from metering.audit.question import Question
from metering.money import format_amount

# Kinds that stop payouts; the others are known to wait for something.
_DIFFERENT = """
SELECT format('%s: %s, since %s', key, kind, to_char(found_at at time zone 'utc',
    'YYYY-MM-DD HH24:MI'))
FROM reconciliation_difference WHERE over_at IS NULL AND kind NOT IN ('late', 'suspense')
ORDER BY found_at
"""

_QUESTION = Question(
    "I9",
    "what lies on the chain is what the ledger says",
    "compared up to ledger",
    "SELECT coalesce(max(ledger), 0) FROM reconciliation_progress",
    _DIFFERENT,
)

_COMPARED = "SELECT EXISTS (SELECT FROM reconciliation_progress)"

_DUE = """
SELECT id, -balance AS due FROM ledger_account
WHERE id LIKE 'chain:%' AND id NOT LIKE 'chain:channel:%' AND balance <> 0 ORDER BY id
"""


async def check_chain_side(connection: Connection) -> Finding:
    """What the reconciler has found; nothing is asked of the chain now."""
    finding = await _QUESTION.ask(connection)
    if finding.verdict is Verdict.VIOLATED or await connection.fetchval(_COMPARED):
        return finding
    rows = await connection.fetch(_DUE)
    due = ", ".join(f"{row['id']} {format_amount(row['due'])}" for row in rows)
    reason = f"only the chain can say, and was not asked yet; there has to be {due or 'nothing'}"
    return unchecked(finding.rule, finding.title, f"{reason}, more or less what is in flight")
