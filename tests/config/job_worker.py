"""A worker of jobs as its own process, for tests that kill or freeze it.

Started with its way of working: `works` does each job; `holds` begins one and never ends it, and
when it is cancelled tries to have its effect all the same. Reads a database URL from its standard
input; says `began JOB`, `effect JOB` and `refused JOB`. Ends properly when its standard input ends.
"""

import asyncio
import os
import sys

import structlog

from config.clock import SystemClock
from config.job_runner import JobRunner
from config.jobs import Handler, JobContext
from config.jobs_postgres import PostgresJobStore
from config.postgres import Database

LEASE_MS = 2_000

# The job's row is locked, so that nobody takes the job between the look and the effect.
_EFFECT = """
insert into effect (job_id, worker)
select id, $3 from job where id = $1 and lease_token = $2 and state = 'running' for update
"""


def say(what: str, context: JobContext) -> None:
    os.write(1, f"{what} {context.job.id}\n".encode())


def handler(database: Database, worker: str) -> Handler:
    async def wash(context: JobContext) -> None:
        say("began", context)
        try:
            if worker == "holds":
                await asyncio.Event().wait()
        finally:
            tag = await database.execute(_EFFECT, context.job.id, context.token, worker)
            say("effect" if tag == "INSERT 0 1" else "refused", context)

    return wash


async def main(worker: str) -> None:
    database = await Database.connect(sys.stdin.readline().strip())
    clock = SystemClock()
    runner = JobRunner(
        PostgresJobStore(database, clock),
        {"wash": handler(database, worker)},
        clock,
        workers=1,
        worker_name=worker,
        lease_ms=LEASE_MS,
    )
    await runner.start()
    await asyncio.to_thread(sys.stdin.read)
    await runner.stop()
    await database.close()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(sys.argv[1]))
