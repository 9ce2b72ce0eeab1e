"""How often somebody may knock: by the network they come from, and by whom they say they are."""

from dataclasses import dataclass

from aiohttp import web

from api.errors import Problem
from api.minute_limit import MinuteLimit
from config.clock import Clock
from config.limits import (
    CHALLENGE_ANSWERS_PER_MINUTE_MAX,
    CHALLENGES_PER_MINUTE_MAX,
    LOGINS_OF_EMAIL_PER_MINUTE_MAX,
    LOGINS_PER_MINUTE_MAX,
    REFRESHES_PER_MINUTE_MAX,
    REGISTRATIONS_PER_MINUTE_MAX,
)
from ingest.network import network_of


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """One count for each kind of knock."""

    challenges: MinuteLimit
    answers: MinuteLimit
    logins: MinuteLimit
    logins_of_email: MinuteLimit
    registrations: MinuteLimit
    refreshes: MinuteLimit


def door_limits(clock: Clock) -> DoorLimits:
    return DoorLimits(
        MinuteLimit(clock, CHALLENGES_PER_MINUTE_MAX),
        MinuteLimit(clock, CHALLENGE_ANSWERS_PER_MINUTE_MAX),
        MinuteLimit(clock, LOGINS_PER_MINUTE_MAX),
        MinuteLimit(clock, LOGINS_OF_EMAIL_PER_MINUTE_MAX),
        MinuteLimit(clock, REGISTRATIONS_PER_MINUTE_MAX),
        MinuteLimit(clock, REFRESHES_PER_MINUTE_MAX),
    )


def admit(limit: MinuteLimit, request: web.Request) -> None:
    """Count a knock from the request's network. Raises: Problem, 429."""
    require(limit, network_of(request.remote or ""))


def require(limit: MinuteLimit, key: str) -> None:
    """Count a knock. Raises: Problem, 429."""
    if not limit.admit(key):
        detail = "wait for a minute"
        raise Problem(429, "too_many_tries", "Too many tries", detail, {"Retry-After": "60"})
