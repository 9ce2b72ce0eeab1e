"""Everything that answers HTTP: the table of contents."""

from dataclasses import dataclass

from api.area import RouteTable, tables
from api.composition.accounting import Accounting, accounting
from api.composition.contents import Contents, contents
from api.composition.operating import Operating, operating
from api.composition.parts import Parts
from api.composition.paying import Paying, paying
from api.composition.publishing import Publishing, publishing
from api.composition.watching import Watching, watching
from api.doors import Doors
from api.pages import Pages


@dataclass(frozen=True, slots=True)
class Routes:
    pages: Pages
    doors: Doors
    watching: Watching
    contents: Contents
    publishing: Publishing
    paying: Paying
    accounting: Accounting
    operating: Operating

    def routes(self) -> RouteTable:
        return tables(
            *(self.pages, self.doors, self.watching, self.contents, self.publishing),
            *(self.paying, self.accounting, self.operating),
        )


def routes_of(parts: Parts, pages: Pages) -> Routes:
    published, paid = publishing(parts), paying(parts)
    return Routes(
        pages=pages,
        doors=parts.doors,
        watching=watching(parts, paid.payment_channels.desk),
        contents=contents(parts),
        publishing=published,
        paying=paid,
        accounting=accounting(parts, published.sources),
        operating=operating(parts),
    )
