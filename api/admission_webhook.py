"""Asks the operator's server about publishers, over HTTP."""

import asyncio
from datetime import UTC, datetime

import aiohttp
import structlog

from api.bounded_answer import IDENTITY, AnswerTooLarge, read_at_most
from api.wire import timestamp
from config.clock import Clock
from config.ids import new_id
from config.limits import (
    WEBHOOK_ANSWER_BYTES_MAX,
    WEBHOOK_QUESTIONS_MAX,
    WEBHOOK_REQUESTS_MAX,
)
from config.signing_secret import signing_key
from config.tasks import cancel, spawn
from config.telemetry import counter
from ingest.webhook import (
    Decision,
    Decisions,
    NoDecision,
    Question,
    read_decision,
    signed_headers,
    write_question,
)

log = structlog.get_logger(__name__)

_answers = counter(
    "publish_webhook_answers_total", "What the operator's server said about publishers", ("answer",)
)


class AdmissionWebhook:
    """One question at a time for the same publisher, some at a time for all, the rest in a queue.

    Args:
        secret: what questions are signed with, see `config.signing_secret`.
        timeout_ms: for each question, its wait in the queue included.
    """

    def __init__(self, url: str, secret: str, timeout_ms: int, clock: Clock) -> None:
        self._url = url
        self._key = signing_key(secret)
        self._timeout_seconds = timeout_ms / 1000
        self._clock = clock
        self._decisions = Decisions()
        self._asking: dict[Question, asyncio.Task[Decision | NoDecision]] = {}
        self._turns = asyncio.Semaphore(WEBHOOK_REQUESTS_MAX)
        self._http: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """To be called before anything is asked."""
        self._http = aiohttp.ClientSession(
            headers=IDENTITY, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def stop(self) -> None:
        """End the questions under way."""
        await cancel(*self._asking.values())
        if self._http is not None:
            await self._http.close()

    async def ask(self, question: Question) -> Decision:
        known = self._decisions.get(question, self._clock.monotonic_ms())
        if known is not None:
            _answers.labels("remembered").inc()
            return known
        # Whoever asked first may go before the answer comes; others wait for it too.
        answer = await asyncio.shield(self._task(question))
        if isinstance(answer, NoDecision):
            raise answer
        return answer

    def _task(self, question: Question) -> asyncio.Task[Decision | NoDecision]:
        task = self._asking.get(question)
        if task is not None:
            return task
        if len(self._asking) >= WEBHOOK_QUESTIONS_MAX:
            _answers.labels("none").inc()
            raise NoDecision("too many questions at once")
        task = spawn(self._decide(question), name=f"publish webhook {question.source_id}")
        self._asking[question] = task
        task.add_done_callback(lambda _: self._asking.pop(question))
        return task

    async def _decide(self, question: Question) -> Decision | NoDecision:
        """A missing answer is returned, not raised: nobody may be left who waits for it."""
        try:
            async with asyncio.timeout(self._timeout_seconds), self._turns:
                decision = await self._request(question)
        except (aiohttp.ClientError, AnswerTooLarge, NoDecision, OSError) as error:
            reason = str(error) or type(error).__name__
            log.warning("the publish webhook gave no decision", reason=reason)
            _answers.labels("none").inc()
            return NoDecision(reason)
        self._decisions.add(question, decision, self._clock.monotonic_ms())
        _answers.labels("allowed" if decision.is_allowed else "refused").inc()
        return decision

    async def _request(self, question: Question) -> Decision:
        assert self._http is not None, "it was started"
        wall_ms = self._clock.wall_ms()
        body = write_question(question, timestamp(datetime.fromtimestamp(wall_ms / 1000, UTC)))
        headers = signed_headers(self._key, new_id("msg", wall_ms), wall_ms // 1000, body)
        headers["Content-Type"] = "application/json"
        async with self._http.post(
            self._url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            return read_decision(
                answer.status, await read_at_most(answer, WEBHOOK_ANSWER_BYTES_MAX)
            )
