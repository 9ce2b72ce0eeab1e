"""Resumable uploads: the tus protocol 1.0, https://tus.io/protocols/resumable-upload.

Core and the extensions Creation, Creation With Upload, Checksum, Expiration and Termination.
Comments name the protocol's sections. Errors are problem documents like everywhere else.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from email.utils import format_datetime

from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.errors import Problem, invalid
from api.upload_body import RequestBody, cut
from api.upload_failures import UPLOAD_FAILURES, upload_problem
from ingest.upload.checksum import ALGORITHMS, Checksum, parse_checksum
from ingest.upload.description import describe, parse_metadata
from ingest.upload.reception import Piece
from ingest.upload.upload import Upload, UploadState
from ingest.upload.uploads import NewUpload, Progress, Uploads
from metering.tariff import Price

CONTENT_ID = "Tollcast-Content-Id"
"""Names the content that an upload becomes; told from its creation on."""

_VERSION = "1.0.0"
_RESUMABLE = "Tus-Resumable"
_EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
_PIECE_TYPE = "application/offset+octet-stream"
# 10^18 bytes are more than any disk has.
_DIGITS_MAX = 18

_Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class UploadRoutes:
    """The routes under `/api/v1/uploads`, for creators; `path` is where they are.

    `default_price` is what content costs whose upload says nothing of a price.
    """

    uploads: Uploads
    bearers: Bearers
    default_price: Price
    path: str = "/api/v1/uploads"

    def routes(self) -> RouteTable:
        return [
            web.options("/api/v1/uploads", self.options),
            web.post("/api/v1/uploads", self.create),
            web.head("/api/v1/uploads/{upload}", self.head),
            web.patch("/api/v1/uploads/{upload}", self.patch),
            web.delete("/api/v1/uploads/{upload}", self.delete),
        ]

    async def options(self, _request: web.Request) -> web.Response:
        """What this server can do (Core Protocol, OPTIONS); asked before signing in, if at all."""
        headers = {
            _RESUMABLE: _VERSION,
            "Tus-Version": _VERSION,
            "Tus-Extension": _EXTENSIONS,
            "Tus-Max-Size": str(self.uploads.rules.bytes_max),
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        }
        return web.Response(status=204, headers=headers)

    async def create(self, request: web.Request) -> web.Response:
        """POST on the collection (Creation), with the first bytes or without."""
        return await _answered(request, self._create)

    async def head(self, request: web.Request) -> web.Response:
        """How much has come (Core Protocol, HEAD)."""
        return await _answered(request, self._head)

    async def patch(self, request: web.Request) -> web.Response:
        """Some more bytes (Core Protocol, PATCH)."""
        return await _answered(request, self._patch)

    async def delete(self, request: web.Request) -> web.Response:
        """Give it up (Termination)."""
        return await _answered(request, self._delete)

    async def _create(self, request: web.Request) -> web.Response:
        creator = await self.bearers.creator(request)
        size = _whole(request, "Upload-Length")
        metadata = request.headers.get("Upload-Metadata", "")
        fields = parse_metadata(metadata)
        price = self.default_price
        has_bytes = request.body_exists and request.content_type == _PIECE_TYPE
        piece = _piece(request, 0) if has_bytes else None
        upload = await self.uploads.create(
            NewUpload(
                owner=creator.id,
                size=size,
                description=describe(fields, price.stroops, price.seconds),
                price_asset=price.asset,
                metadata=metadata,
            )
        )
        progress = Progress(upload, 0)
        if piece is not None:
            progress = await self.uploads.receive(upload, piece)
        elif not size:
            progress = await self.uploads.progress(upload)  # an empty file is complete already
        headers = {"Location": f"{self.path}/{upload.id}", **_headers(progress)}
        return web.Response(status=201, headers=headers)

    async def _head(self, request: web.Request) -> web.Response:
        progress = await self.uploads.progress(await self._own(request))
        headers = _headers(progress)
        headers["Upload-Length"] = str(progress.upload.size)
        headers["Cache-Control"] = "no-store"
        if progress.upload.metadata:
            headers["Upload-Metadata"] = progress.upload.metadata
        return web.Response(status=200, headers=headers)

    async def _patch(self, request: web.Request) -> web.Response:
        upload = await self._own(request)
        if request.content_type != _PIECE_TYPE:
            raise Problem(415, "content_type", "The body has another type", f"send {_PIECE_TYPE}")
        piece = _piece(request, _whole(request, "Upload-Offset"))
        progress = await self.uploads.receive(upload, piece)
        return web.Response(status=204, headers=_headers(progress))

    async def _delete(self, request: web.Request) -> web.Response:
        await self.uploads.terminate(await self._own(request))
        return web.Response(status=204)

    async def _own(self, request: web.Request) -> Upload:
        creator = await self.bearers.creator(request)
        return await self.uploads.find(creator.id, request.match_info["upload"])


async def _answered(request: web.Request, handler: _Handler) -> web.Response:
    """Check the version, and say ours in the answer whatever it is (Core Protocol, Headers)."""
    try:
        if request.headers.get(_RESUMABLE) != _VERSION:
            raise Problem(
                412,
                "tus_version",
                "This version of tus is not spoken here",
                f"send {_RESUMABLE}: {_VERSION}",
                {"Tus-Version": _VERSION},
            )
        response = await handler(request)
    except UPLOAD_FAILURES as error:
        raise _with_version(upload_problem(error)) from None
    except Problem as problem:
        raise _with_version(problem) from None
    response.headers[_RESUMABLE] = _VERSION
    return response


def _with_version(problem: Problem) -> Problem:
    return replace(problem, headers={**problem.headers, _RESUMABLE: _VERSION})


def _headers(progress: Progress) -> dict[str, str]:
    upload = progress.upload
    headers = {"Upload-Offset": str(progress.offset), CONTENT_ID: upload.asset_id}
    if upload.state is UploadState.RECEIVING and progress.offset < upload.size:
        headers["Upload-Expires"] = format_datetime(upload.expires_at, usegmt=True)
    return headers


def _piece(request: web.Request, offset: int) -> Piece:
    return Piece(
        offset=offset,
        body=RequestBody(request),
        cut=cut(request),
        size=request.content_length,
        checksum=_checksum(request),
    )


def _checksum(request: web.Request) -> Checksum | None:
    header = request.headers.get("Upload-Checksum")
    return None if header is None else parse_checksum(header)


def _whole(request: web.Request, name: str) -> int:
    text = request.headers.get(name, "")
    # `int` would take signs, blanks, underscores and digits of other scripts too.
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        raise invalid(f"{name} is not a whole number of bytes")
    return int(text)
