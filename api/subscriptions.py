"""Subscriptions: what is sold, who has what, and how it is begun, changed and cancelled."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.errors import Problem, not_found, payment_required
from api.idempotency import Document, Idempotency
from api.idempotency_store import Effect
from api.input import read_body
from api.tiers import Tier, Tiers
from api.wire import timestamp
from config.clock import Clock
from config.limits import SUBSCRIPTION_NOTICES_MAX
from config.settings import Subscriptions
from metering.intake import Intake
from metering.ledger.ledger import WouldOverdraw
from metering.money import Stroops, format_amount
from metering.subscriptions.store import (
    AlreadySubscribed,
    ChangedMeanwhile,
    Kept,
    SubscriptionStore,
    Told,
)
from metering.subscriptions.subscription import Look, Plan, Subscription, begin

_RANK = list(Tier)
_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)

type _PlanName = Literal["bronze", "silver", "gold"]


class Subscribe(BaseModel):
    model_config = _STRICT

    plan: _PlanName


class ChangeSubscription(BaseModel):
    """What the next month is; null for none."""

    model_config = _STRICT

    nextPlan: _PlanName | None  # noqa: N815 - wire name


def plans_on_sale(settings: Subscriptions, asset: str) -> dict[str, Plan]:
    """By name, the cheapest tier first."""
    told = {
        Tier.BRONZE: (settings.bronze_stroops, settings.bronze_hours),
        Tier.SILVER: (settings.silver_stroops, settings.silver_hours),
        Tier.GOLD: (settings.gold_stroops, settings.gold_hours),
    }
    return {
        tier.value: Plan(tier.value, Stroops(fee), asset, hours * 3600)
        for tier, (fee, hours) in told.items()
        if fee
    }


@dataclass(frozen=True, slots=True)
class SubscribedTiers:
    """Implements `Tiers`: what the operator gave an account, or what it subscribed to if that is
    better.
    """

    given: Tiers
    store: SubscriptionStore

    async def tier(self, account: str) -> Tier:
        given = await self.given.tier(account)
        kept = await self.store.current(account)
        if kept is None:
            return given
        return max(given, Tier(kept.subscription.plan.name), key=_RANK.index)


@dataclass(frozen=True, slots=True)
class SubscriptionRoutes:
    """The routes under `/api/v1/subscriptions`.

    Attributes:
        at_once: how many sessions each tier may have open.
    """

    store: SubscriptionStore
    plans: Mapping[str, Plan]
    trial_days: int
    at_once: Mapping[Tier, int]
    bearers: Bearers
    idempotency: Idempotency
    intake: Intake
    clock: Clock

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/subscriptions", self.get),
            web.post("/api/v1/subscriptions", self.post),
            web.patch("/api/v1/subscriptions/current", self.patch),
            web.get("/api/v1/subscriptions/plans", self.list_plans),
        ]

    async def list_plans(self, _request: web.Request) -> web.Response:
        """What is sold, without asking who wants to know."""
        return web.json_response({"items": [self._plan_json(each) for each in self.plans.values()]})

    async def get(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        return web.json_response(await self._document(account.id))

    async def post(self, request: web.Request) -> web.Response:
        """Begin one. Its first fee is taken with it, unless the account gets a trial."""
        account = await self.bearers.account(request)
        body = await read_body(request, Subscribe)
        plan = self._on_sale(body.plan)

        async def subscribe(effect: Effect) -> Document:
            await self._begin(account.id, plan, effect.id("sub"))
            return await self._document(account.id)

        done = await self.idempotency.once(request, account.id, subscribe, required=True)
        return web.json_response(done.document, status=201, headers=done.headers)

    async def patch(self, request: web.Request) -> web.Response:
        """Say what follows the month under way; nothing is taken or given back now."""
        account = await self.bearers.account(request)
        body = await read_body(request, ChangeSubscription)
        next_plan = None if body.nextPlan is None else self._on_sale(body.nextPlan)
        kept = await self._current(account.id)
        if kept.subscription.next_plan != next_plan:
            after = replace(kept.subscription, next_plan=next_plan)
            try:
                await self.store.advance(kept, Look(after), self._now())
            except ChangedMeanwhile:
                raise Problem(
                    409, "subscription_changed", "It has just changed", "look, and ask again"
                ) from None
        return web.json_response(await self._document(account.id))

    async def _begin(self, account: str, plan: Plan, id_: str) -> None:
        latest = await self.store.latest(account)
        # A second attempt of the same request finds its own subscription, which is no reason
        # against a trial.
        is_first = latest is None or latest.id == id_
        seen = begin(id_, account, plan, self._now(), self.trial_days if is_first else 0)
        try:
            await self.store.begin(seen, self._now())
        except AlreadySubscribed:
            raise Problem(
                409,
                "already_subscribed",
                "There is a subscription",
                "change what follows it, or cancel it",
            ) from None
        except WouldOverdraw:
            raise payment_required(f"a month costs {format_amount(plan.fee)}") from None
        if seen.fee:
            self.intake.balance_changed(account, plan.asset)

    async def _current(self, account: str) -> Kept:
        kept = await self.store.current(account)
        if kept is None:
            raise not_found("this account has no subscription")
        return kept

    def _on_sale(self, name: str) -> Plan:
        plan = self.plans.get(name)
        if plan is None:
            raise not_found(f"{name} is not sold here")
        return plan

    async def _document(self, account: str) -> Document:
        latest = await self.store.latest(account)
        told = await self.store.told(account, SUBSCRIPTION_NOTICES_MAX)
        return {
            "subscription": None if latest is None else await self._subscription_json(latest),
            "trialDays": self.trial_days if latest is None else 0,
            "notices": [_notice_json(each) for each in told],
        }

    async def _subscription_json(self, subscription: Subscription) -> Document:
        reason = subscription.end_reason
        return {
            "id": subscription.id,
            "state": subscription.state.value,
            "plan": self._plan_json(subscription.plan),
            "nextPlan": None
            if subscription.next_plan is None
            else self._plan_json(subscription.next_plan),
            "began": timestamp(subscription.began),
            "ends": timestamp(subscription.ends),
            "secondsUsed": await self.store.used_seconds(subscription),
            "endReason": None if reason is None else reason.value,
        }

    def _plan_json(self, plan: Plan) -> Document:
        return {
            "name": plan.name,
            "fee": format_amount(plan.fee),
            "asset": plan.asset,
            "includedSeconds": plan.included_seconds,
            "sessionsAtOnce": self.at_once[Tier(plan.name)],
        }

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.wall_ms() / 1000, UTC)


def _notice_json(told: Told) -> Document:
    return {"kind": told.kind.value, "month": told.month, "at": timestamp(told.at)}
