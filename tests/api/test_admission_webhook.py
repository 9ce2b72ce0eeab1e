"""The operator's server on a real socket: asked once, believed, and never waited for too long."""

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from api.admission_webhook import AdmissionWebhook
from config.clock import ManualClock
from config.limits import WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_QUESTIONS_MAX, WEBHOOK_REQUESTS_MAX
from config.tasks import spawn
from config.telemetry import render
from ingest.webhook import Decision, NoDecision, Question

SECRET = "whsec_q0bGm2vK9lX7sT4uYw1zRr8nHc5dJp3fEa6iLo+/Vg4="
QUESTION = Question("src_1", "key_1", "192.0.2.7", "live", secure=True)
NOW_MS = 1_790_000_000_000
ALLOWED = {"allow": True, "ttlSeconds": 60}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Operator:
    """A real server whose answers a test decides about; it holds them back until `opened`."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.under_way = 0
        self.under_way_max = 0
        self.was_asked = asyncio.Event()
        self.opened = asyncio.Event()
        self.opened.set()
        self.answer: Handler = self.says(ALLOWED)
        self.clock = ManualClock(NOW_MS)
        self.url = ""
        self._runner: web.AppRunner | None = None

    def says(self, document: object, status: int = 200) -> Handler:
        async def answer(_request: web.Request) -> web.StreamResponse:
            return web.json_response(document, status=status)

        return answer

    async def start(self) -> None:
        application = web.Application()
        application.router.add_post("/publish", self._post)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/publish"

    async def stop(self) -> None:
        self.opened.set()
        assert self._runner is not None
        await self._runner.cleanup()

    async def webhook(self, timeout_ms: int = 4_000) -> AdmissionWebhook:
        webhook = AdmissionWebhook(self.url, SECRET, timeout_ms, self.clock)
        await webhook.start()
        return webhook

    async def _post(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((dict(request.headers), await request.read()))
        self.under_way += 1
        self.under_way_max = max(self.under_way_max, self.under_way)
        self.was_asked.set()
        try:
            await self.opened.wait()
            return await self.answer(request)
        finally:
            self.under_way -= 1


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    operator = Operator()
    await operator.start()
    yield operator
    await operator.stop()


def question(number: int) -> Question:
    return Question(f"src_{number}", "", "192.0.2.7", "live", secure=False)


async def test_the_question_is_signed_by_us_now(operator: Operator) -> None:
    webhook = await operator.webhook()

    assert await webhook.ask(QUESTION) == Decision(True, ttl_ms=60_000)

    await webhook.stop()
    ((headers, body),) = operator.asked
    # As a receiver does it: nothing of ours.
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == str(NOW_MS // 1000)
    assert headers["webhook-id"].startswith("msg_")
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body)["data"]["sourceId"] == "src_1"


async def test_a_publisher_that_comes_back_is_not_asked_about_again_for_a_while(
    operator: Operator,
) -> None:
    webhook = await operator.webhook()
    for _ in range(3):
        assert (await webhook.ask(QUESTION)).is_allowed
    operator.clock.advance(59_999)
    assert (await webhook.ask(QUESTION)).is_allowed
    assert len(operator.asked) == 1

    operator.clock.advance(1)
    operator.answer = operator.says({"reason": "pay first"}, status=403)

    assert await webhook.ask(QUESTION) == Decision(False, "pay first")
    operator.answer = operator.says({"allow": True})
    assert (await webhook.ask(QUESTION)).is_allowed, "a refusal can be lifted at once"
    assert len(operator.asked) == 3
    await webhook.stop()


async def test_many_who_ask_the_same_ask_once_even_if_the_first_goes(operator: Operator) -> None:
    operator.opened.clear()
    webhook = await operator.webhook()
    first = spawn(webhook.ask(QUESTION), name="first")
    await operator.was_asked.wait()
    others = [spawn(webhook.ask(QUESTION), name="other") for _ in range(20)]
    first.cancel()
    await asyncio.wait([first])

    operator.opened.set()

    assert all(decision.is_allowed for decision in await asyncio.gather(*others))
    assert len(operator.asked) == 1
    await webhook.stop()


async def test_a_slow_operator_keeps_so_many_waiting_and_nobody_who_was_let_in(
    operator: Operator,
) -> None:
    webhook = await operator.webhook()
    await webhook.ask(QUESTION)
    operator.opened.clear()
    asking = [spawn(webhook.ask(question(n)), name="asks") for n in range(WEBHOOK_QUESTIONS_MAX)]
    while operator.under_way < WEBHOOK_REQUESTS_MAX:
        operator.was_asked.clear()
        await operator.was_asked.wait()

    assert (await webhook.ask(QUESTION)).is_allowed, "remembered"
    with pytest.raises(NoDecision, match="too many"):
        await webhook.ask(question(-1))

    operator.opened.set()
    assert all(decision.is_allowed for decision in await asyncio.gather(*asking))
    assert operator.under_way_max == WEBHOOK_REQUESTS_MAX
    await webhook.stop()


async def _huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(64):  # 16 MB, unless somebody stops reading
        await response.write(b" " * 262_144)
    return response


async def _bomb(_request: web.Request) -> web.StreamResponse:
    body = gzip.compress(json.dumps(ALLOWED).encode() + b" " * WEBHOOK_ANSWER_BYTES_MAX * 64)
    return web.Response(body=body, headers={"Content-Encoding": "gzip"})


async def _elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect(str(request.url))


async def _hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _never(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


def _says(text: str, status: int = 200) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status)

    return answer


@pytest.mark.parametrize(
    "answer",
    [_huge, _bomb, _elsewhere, _hang_up, _never, _says("{}", 500), _says("no"), _says('{"ok": 1}')],
)
async def test_what_is_no_decision_lets_nobody_in_and_others_go_on(
    operator: Operator, answer: Handler
) -> None:
    webhook = await operator.webhook(timeout_ms=100 if answer is _never else 4_000)
    operator.answer = answer
    with pytest.raises(NoDecision):
        await webhook.ask(QUESTION)
    assert len(operator.asked) == 1

    operator.answer = operator.says(ALLOWED)

    assert (await webhook.ask(QUESTION)).is_allowed
    await webhook.stop()


async def test_an_operator_that_is_away_is_no_decision(operator: Operator) -> None:
    webhook = await operator.webhook()
    await operator.stop()

    with pytest.raises(NoDecision):
        await webhook.ask(QUESTION)
    await webhook.stop()


async def test_stopping_ends_what_is_asked_and_answers_are_counted(operator: Operator) -> None:
    webhook = await operator.webhook()
    before = _count("allowed")
    await webhook.ask(QUESTION)
    assert _count("allowed") == before + 1
    operator.opened.clear()
    operator.was_asked.clear()
    asking = spawn(webhook.ask(question(1)), name="asks")
    await operator.was_asked.wait()

    await webhook.stop()

    with pytest.raises(asyncio.CancelledError):
        await asking


def _count(answer: str) -> float:
    name = f'tollcast_publish_webhook_answers_total{{answer="{answer}"}} '
    lines: list[Any] = [
        line.removeprefix(name) for line in render().decode().splitlines() if line.startswith(name)
    ]
    return float(lines[0]) if lines else 0.0
