"""Content from one form: `curl -F file=@film.mp4`, for whoever needs no resuming."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.errors import Problem, invalid
from api.upload_body import FormBody, cut
from api.upload_failures import UPLOAD_FAILURES, upload_problem
from config.limits import UPLOAD_FORM_FIELDS_MAX
from ingest.upload.description import describe
from ingest.upload.reception import Piece
from ingest.upload.upload import Upload
from ingest.upload.uploads import NewUpload, Uploads
from metering.tariff import Price

_FIELDS = frozenset({"title", "priceStroops", "priceSeconds", "delivery"})


class ContentDocument(Protocol):
    """Tells about content as `/api/v1/content/{id}` does."""

    async def __call__(self, asset_id: str) -> Mapping[str, object]: ...


@dataclass(frozen=True, slots=True)
class ContentUpload:
    """`POST /api/v1/content`, for creators. `default_price` is for forms that say nothing of it."""

    uploads: Uploads
    bearers: Bearers
    default_price: Price
    document: ContentDocument

    def routes(self) -> RouteTable:
        return [
            web.post("/api/v1/content", self.post),
        ]

    async def post(self, request: web.Request) -> web.Response:
        """Take the form's `file` to the disk as it comes; its fields may stand on either side."""
        try:
            upload = await self._take(request)
        except UPLOAD_FAILURES as error:
            raise upload_problem(error) from None
        document = await self.document(upload.asset_id)
        headers = {"Location": f"/api/v1/content/{upload.asset_id}"}
        return web.json_response(document, status=201, headers=headers)

    async def _take(self, request: web.Request) -> Upload:
        creator = await self.bearers.creator(request)
        form = FormBody(request)
        price = self.default_price
        new = NewUpload(
            owner=creator.id,
            size=_most(request),
            description=describe({}, price.stroops, price.seconds),
            price_asset=price.asset,
        )
        async with self.uploads.at_once(new) as upload:
            fields = await self._read(form, Piece(0, form, cut(request)), upload)
            description = describe(fields, price.stroops, price.seconds)
            await self.uploads.settle(upload, description)
        await self.uploads.hand_on(upload)
        return upload

    async def _read(self, form: FormBody, file: Piece, upload: Upload) -> dict[str, str]:
        fields: dict[str, str] = {}
        while (part := await form.next_part()) is not None:
            if part.name in fields or len(fields) >= UPLOAD_FORM_FIELDS_MAX:
                raise invalid(f"the form has {part.name} twice, or too many fields")
            if part.name == "file":
                fields["file"] = ""
                fields["filename"] = part.filename or ""
                await self.uploads.receive(upload, file)
            elif part.name in _FIELDS:
                fields[part.name] = await form.text()
            else:
                raise invalid(f"the form has a field that is not known; known are {_known()}")
        if "file" not in fields:
            raise invalid("the form has no file; send it as `file`")
        return fields


def _known() -> str:
    return ", ".join(sorted({"file", *_FIELDS}))


def _most(request: web.Request) -> int:
    """The file is shorter than its form, and how much shorter shows only at the end."""
    if request.content_length is None:
        raise Problem(
            411, "length_required", "Say how long the body is", "send a Content-Length, or use tus"
        )
    return request.content_length
