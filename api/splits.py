"""Who shares what a source or a video earns: set by its owner, asked for when a session begins."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api.area import RouteTable
from api.auth.account import AccountStore
from api.auth.bearer import Bearers
from api.catalogue.asset import Asset
from api.catalogue.lookup import Catalogue
from api.errors import invalid
from api.input import read_body
from config.limits import SPLIT_PAYEES_MAX, SPLITS_REMEMBERED_MAX
from ingest.source import Source
from metering.shares.splits import WHOLE, BadSplit, Share, Split
from metering.shares.store import SplitStore

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)


class ShareInput(BaseModel):
    model_config = _STRICT

    account: Annotated[str, Field(min_length=1, max_length=64)]
    basisPoints: Annotated[int, Field(ge=1, le=WHOLE)]  # noqa: N815 - wire name


class SetSplits(BaseModel):
    """None are nobody's but the owner's."""

    model_config = _STRICT

    splits: Annotated[list[ShareInput], Field(max_length=SPLIT_PAYEES_MAX)]


OwnSource = Callable[[web.Request], Awaitable[Source]]


@dataclass(frozen=True, slots=True)
class Payees:
    """Tells whom the sessions on an asset pay.

    Attributes:
        store: where splits are.
        fee: the platform's part of everything, in basis points.
    """

    store: SplitStore
    fee: int
    _kept: dict[str, None] = field(default_factory=dict, init=False)

    async def split(self, asset: Asset) -> Split:
        """Who shares what the asset earns now, the platform and its owner alone included."""
        targets = [asset.id] if asset.source_id is None else [asset.id, asset.source_id]
        shares = await self.store.assigned_first(targets)
        return Split(shares or (Share(asset.owner, WHOLE),), self.fee)

    async def of(self, asset: Asset) -> str:
        """An account, or the id of a split that is kept by then."""
        split = await self.split(asset)
        if split == Split((Share(asset.owner, WHOLE),)):
            return asset.owner
        if split.id not in self._kept:
            await self.store.keep(split)
            if len(self._kept) >= SPLITS_REMEMBERED_MAX:
                self._kept.clear()
            self._kept[split.id] = None
        return split.id


@dataclass(frozen=True, slots=True)
class SplitRoutes:
    """The routes `splits` of a source and of content."""

    store: SplitStore
    accounts: AccountStore
    catalogue: Catalogue
    own_source: OwnSource
    bearers: Bearers
    fee: int

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/content/{content}/splits", self.get_of_content),
            web.put("/api/v1/content/{content}/splits", self.put_of_content),
            web.get("/api/v1/sources/{source}/splits", self.get_of_source),
            web.put("/api/v1/sources/{source}/splits", self.put_of_source),
        ]

    async def get_of_source(self, request: web.Request) -> web.Response:
        source = await self.own_source(request)
        return await self._answer(source.id, source.owner)

    async def put_of_source(self, request: web.Request) -> web.Response:
        """Sessions that begin from now on are shared so, also on its recordings."""
        source = await self.own_source(request)
        return await self._set(request, source.id, source.owner)

    async def get_of_content(self, request: web.Request) -> web.Response:
        asset = await self._own_asset(request)
        return await self._answer(asset.id, asset.owner)

    async def put_of_content(self, request: web.Request) -> web.Response:
        """In place of what its source says."""
        asset = await self._own_asset(request)
        return await self._set(request, asset.id, asset.owner)

    async def _own_asset(self, request: web.Request) -> Asset:
        creator = await self.bearers.creator(request)
        return await self.catalogue.own(request.match_info["content"], creator.id)

    async def _set(self, request: web.Request, target: str, owner: str) -> web.Response:
        body = await read_body(request, SetSplits)
        shares = tuple(Share(each.account, each.basisPoints) for each in body.splits)
        if shares:
            await self._require_sound(shares)
        await self.store.assign(target, shares)
        return await self._answer(target, owner)

    async def _require_sound(self, shares: tuple[Share, ...]) -> None:
        try:
            Split(shares, self.fee)
        except BadSplit as error:
            raise invalid(f"splits: {error}") from None
        unknown = [
            f"splits.{place}.account: there is no account {share.account}"
            for place, share in enumerate(shares)
            if await self.accounts.get(share.account) is None
        ]
        if unknown:
            raise invalid("; ".join(unknown))

    async def _answer(self, target: str, owner: str) -> web.Response:
        """Without shares everything is the owner's, but for the platform's fee."""
        shares = await self.store.assigned(target)
        return web.json_response(
            {
                "splits": [
                    {"account": share.account, "basisPoints": share.basis_points}
                    for share in shares
                ],
                "owner": owner,
                "platformFeeBasisPoints": self.fee,
            }
        )
