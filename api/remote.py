"""Commands that ask the running server, with the creator's token from the data directory."""

import secrets
from collections.abc import Mapping
from typing import Any

import aiohttp

from api.secret_names import CREATOR_TOKEN
from config.limits import COMMAND_SECONDS_MAX
from config.settings import Settings


class CommandFailed(Exception):
    """The command could not be carried out; the text says why."""


async def regenerate_key(settings: Settings, name: str, grace_seconds: int) -> str:
    """Give a source a new stream key; the one before works for the grace only.

    Raises:
        CommandFailed: no server answers, or it refused.
    """
    async with _session(settings) as http:
        sources = (await _call(http, "GET", "/api/v1/sources"))["items"]
        found = [source["id"] for source in sources if source["name"] == name]
        if not found:
            names = ", ".join(source["name"] for source in sources)
            raise CommandFailed(f"no source is called {name!r}; there are: {names}")
        path = f"/api/v1/sources/{found[0]}/regenerate-key"
        answer = await _call(http, "POST", path, {"graceSeconds": grace_seconds})
        key: str = answer["streamKey"]
        return key


async def accept_difference(settings: Settings, key: str) -> list[dict[str, str]]:
    """Say that a difference between chain and books is known; what was booked to make it good.

    Raises:
        CommandFailed: no server answers, or it refused.
    """
    async with _session(settings) as http:
        http.headers["Idempotency-Key"] = secrets.token_hex(16)
        path = "/api/v1/admin/reconciliation/accept"
        answer = await _call(http, "POST", path, {"key": key})
        booked: list[dict[str, str]] = answer["booked"]
        return booked


async def ask(
    settings: Settings, method: str, path: str, body: Mapping[str, int | str] | None = None
) -> Any:
    """One request as the operator, under a key of its own, and its answer.

    Raises:
        CommandFailed: no server answers, or it refused.
    """
    async with _session(settings) as http:
        http.headers["Idempotency-Key"] = secrets.token_hex(16)
        return await _call(http, method, path, body)


def _session(settings: Settings) -> aiohttp.ClientSession:
    secret = settings.data_directory / "secrets" / CREATOR_TOKEN
    try:
        token = secret.read_text().strip()
    except OSError as error:
        raise CommandFailed(f"cannot read {secret}: {error.strerror}; was it ever up?") from None
    return aiohttp.ClientSession(
        f"http://{settings.http.host}:{settings.http.port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=aiohttp.ClientTimeout(total=COMMAND_SECONDS_MAX),
    )


async def _call(
    http: aiohttp.ClientSession, method: str, path: str, body: Mapping[str, int | str] | None = None
) -> Any:
    try:
        async with http.request(method, path, json=body) as answer:
            document = await answer.json(content_type=None)
            if answer.status >= 400:
                raise CommandFailed(document.get("detail", f"status {answer.status}"))
            return document
    except (aiohttp.ClientError, TimeoutError) as error:
        raise CommandFailed(f"no answer from the server: {error}") from None
