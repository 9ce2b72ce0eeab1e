"""A rule as two statements of SQL: how many cases there are, and which of them break it."""

from dataclasses import dataclass

from config.postgres import Connection
from metering.audit.finding import Check, Finding


@dataclass(frozen=True, slots=True)
class Question:
    """`count` has one number; `violations` a text for each case that breaks the rule."""

    rule: str
    title: str
    cases: str
    count: str
    violations: str

    async def ask(self, connection: Connection) -> Finding:
        check = Check(self.rule, self.title, self.cases)
        check.saw(int(await connection.fetchval(self.count)))
        row = await connection.fetchrow(
            f"SELECT example, count(*) OVER () FROM ({self.violations}) AS broken (example) LIMIT 1"
        )
        if row is not None:
            check.violated(row[0], row[1])
        return check.finding()
