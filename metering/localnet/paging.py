"""Pages of Horizon's lists: what is asked for, and the links to the pages around (Stellar docs)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from config.limits import LOCALNET_PAGE, LOCALNET_PAGE_MAX
from metering.toid import TOID_MAX

Document = dict[str, Any]

_CURSOR_CHARACTERS_MAX = 100


class BadQuery(ValueError):
    """A parameter that Horizon would refuse."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of a list is asked for; `cursor` is empty for the first one."""

    cursor: str
    descending: bool
    limit: int

    @property
    def toid(self) -> int | None:
        """The cursor as a number, `now` being behind everything; None for the first page.

        Raises:
            BadQuery: it is no number.
        """
        if not self.cursor:
            return None
        if self.cursor == "now":
            return TOID_MAX
        if not self.cursor.isdecimal() or int(self.cursor) > TOID_MAX:
            raise BadQuery("cursor", "cursor: invalid value")
        return int(self.cursor)


def read_page(query: Mapping[str, str]) -> Page:
    """What `cursor`, `order` and `limit` of a request ask for.

    Raises:
        BadQuery: one of them makes no sense.
    """
    order = query.get("order") or "asc"
    if order not in ("asc", "desc"):
        raise BadQuery("order", "order: invalid value")
    limit = query.get("limit") or str(LOCALNET_PAGE)
    if not limit.isdecimal() or not 0 < int(limit) <= LOCALNET_PAGE_MAX:
        raise BadQuery("limit", f"limit: must be from 1 to {LOCALNET_PAGE_MAX}")
    cursor = query.get("cursor") or ""
    if len(cursor) > _CURSOR_CHARACTERS_MAX:
        raise BadQuery("cursor", "cursor: invalid value")
    return Page(cursor, order == "desc", int(limit))


def page_document(
    records: Sequence[Document], page: Page, url: str, query: Mapping[str, str]
) -> Document:
    """Records in the order of the page, with links to what comes before and after.

    Args:
        records: each with its `paging_token`.
        page: what was asked for.
        url: of the list, without its query.
        query: of the request; what the page does not say is kept in the links.
    """
    first = records[0]["paging_token"] if records else page.cursor
    last = records[-1]["paging_token"] if records else page.cursor
    kept = {name: value for name, value in query.items() if name not in ("cursor", "order")}
    order, other = ("desc", "asc") if page.descending else ("asc", "desc")

    def link(cursor: str, way: str) -> Document:
        asked = kept | {"cursor": cursor, "limit": str(page.limit), "order": way}
        return {"href": f"{url}?{urlencode(asked)}"}

    links = {
        "self": link(page.cursor, order),
        "next": link(last, order),
        "prev": link(first, other),
    }
    return {"_links": links, "_embedded": {"records": list(records)}}
