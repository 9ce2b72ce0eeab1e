"""Rules that the schema itself keeps: I13 and I14."""

from config.postgres import Connection
from metering.audit.finding import Finding, Verdict
from metering.audit.question import Question

# What is never changed, with its parts: an update, a delete and a truncate each need their trigger.
_KEPT = """
kept AS (
    SELECT oid, relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
        AND relname ~ '^(ledger_transfer|tick_run|delivery|journal_seal|journal_balance'
            '|ledger_closed_transfer|price_epoch)(_|$)'
)
"""

_UNGUARDED = f"""
WITH {_KEPT}
SELECT format('nothing forbids to change %s', kept.relname)
FROM kept
LEFT JOIN pg_trigger AS guard ON guard.tgrelid = kept.oid AND guard.tgenabled IN ('O', 'A')
    AND guard.tgfoid = 'refuse_change'::regproc
GROUP BY kept.relname
-- Bits of pg_trigger.tgtype: 8 delete, 16 update, 32 truncate.
HAVING coalesce(bit_or(guard.tgtype), 0) & 56 <> 56
"""

_MONEY = """
SELECT table_name || '.' || column_name AS name, data_type, numeric_scale
FROM information_schema.columns
WHERE table_schema = current_schema()
"""

_QUESTIONS = (
    Question(
        "I13",
        "the journal's rows cannot be changed or deleted",
        "tables",
        f"WITH {_KEPT} SELECT count(*) FROM kept",
        _UNGUARDED,
    ),
    Question(
        "I14",
        "money is counted in whole numbers",
        "columns",
        f"SELECT count(*) FROM ({_MONEY}) AS money",
        f"""SELECT format('%s is of type %s', name, data_type) FROM ({_MONEY}) AS money
        WHERE data_type IN ('real', 'double precision', 'money')
            OR data_type = 'numeric' AND numeric_scale IS DISTINCT FROM 0""",
    ),
)


async def check_protection(connection: Connection, changeable: list[str]) -> list[Finding]:
    """Look at the schema.

    Args:
        connection: as the role that the server runs as.
        changeable: tables that this role could change all the same (see `config.roles`).
    """
    guarded, whole = [await question.ask(connection) for question in _QUESTIONS]
    role = await connection.fetchval("SELECT current_user")
    if guarded.verdict is Verdict.OK:
        could = f"{role} could remove what forbids it" if changeable else f"not even by {role}"
        guarded = Finding(guarded.rule, guarded.title, guarded.verdict, f"{guarded.state}; {could}")
    return [guarded, whole]
