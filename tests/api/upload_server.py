"""A server of nothing but uploads; `python -m` this with a directory and a database URL."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from api.app import answer_errors
from api.auth.account import Account, AccountKind, hash_token, new_account
from api.auth.bearer import Bearers
from api.content_upload import ContentUpload
from api.http_server import HttpServer
from api.uploads import UploadRoutes
from config.clock import Clock, ManualClock, SystemClock
from config.ids import new_id
from config.limits import API_BODY_BYTES_MAX
from config.postgres import Database
from ingest.upload.disk import UploadDisk
from ingest.upload.store import MemoryUploadStore, UploadStore
from ingest.upload.store_postgres import PostgresUploadStore
from ingest.upload.upload import Upload
from ingest.upload.uploads import UploadRules, Uploads
from media.file.container import Container
from metering.tariff import Price

TOKEN, OTHER_TOKEN, GUEST_TOKEN = "token-of-ada", "token-of-bob", "token-of-a-guest"
RULES = UploadRules(bytes_max=1 << 30, quota=1 << 32, expire_hours=24)
PRICE = Price("XLM", 5_000_000, 3_600)


class Accounts:
    """Two creators and a guest."""

    def __init__(self) -> None:
        self._accounts = {
            # The same in every process: uploads belong to an id.
            hash_token(token): replace(
                new_account(kind, name, wall_ms=0), id=new_id("acc", 0, entropy=number)
            )
            for number, (token, kind, name) in enumerate(
                (
                    (TOKEN, AccountKind.CREATOR, "Ada"),
                    (OTHER_TOKEN, AccountKind.CREATOR, "Bob"),
                    (GUEST_TOKEN, AccountKind.GUEST, "Guest"),
                )
            )
        }

    async def create(self, account: Account, token_hash: bytes) -> None:
        self._accounts[token_hash] = account

    async def get(self, account_id: str) -> Account | None:
        return next((one for one in self._accounts.values() if one.id == account_id), None)

    async def by_token_hash(self, token_hash: bytes) -> Account | None:
        return self._accounts.get(token_hash)

    async def set_stellar_address(self, account_id: str, address: str) -> None:
        raise NotImplementedError


class UploadServer:
    """The real routes on a real port; notes what was handed on, and keeps the files' bytes."""

    def __init__(
        self,
        directory: Path,
        rules: UploadRules = RULES,
        store: UploadStore | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.directory = directory
        self.free = 1 << 50
        self.clock = clock or ManualClock()
        self.taken: list[Upload] = []
        self.files: dict[str, bytes] = {}
        disk = UploadDisk(directory, lambda: self.free)
        self.store = store or MemoryUploadStore()
        self.uploads = Uploads(self.store, disk, self._take, self.clock, rules)
        self._application = web.Application(
            client_max_size=API_BODY_BYTES_MAX, middlewares=[answer_errors]
        )
        bearers = Bearers(Accounts(), self.clock)
        routes = UploadRoutes(self.uploads, bearers, PRICE)
        form = ContentUpload(self.uploads, bearers, PRICE, self._document)
        self._application.add_routes(
            [
                web.options("/api/v1/uploads", routes.options),
                web.post("/api/v1/uploads", routes.create),
                web.options("/api/v1/uploads/{upload}", routes.options),
                web.head("/api/v1/uploads/{upload}", routes.head),
                web.patch("/api/v1/uploads/{upload}", routes.patch),
                web.delete("/api/v1/uploads/{upload}", routes.delete),
                web.post("/api/v1/content", form.post),
            ]
        )
        self._http = HttpServer(self._application, "127.0.0.1", 0)

    @property
    def port(self) -> int:
        return self._http.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add_page(self, path: str, body: bytes, content_type: str) -> None:
        async def page(_request: web.Request) -> web.Response:
            return web.Response(body=body, content_type=content_type)

        self._application.router.add_get(path, page)

    async def start(self) -> None:
        await self.uploads.start()
        await self._http.start()

    async def stop(self) -> None:
        await self._http.stop()
        await self.uploads.stop()

    async def _take(self, upload: Upload, file: Path, container: Container) -> None:
        assert container is Container.WAV
        self.taken.append(upload)
        self.files[upload.asset_id] = file.read_bytes()

    async def _document(self, asset_id: str) -> Mapping[str, object]:
        return {"id": asset_id, "state": "processing"}


async def main(directory: Path, database_url: str) -> None:
    database = await Database.connect(database_url)
    store = PostgresUploadStore(database)
    server = UploadServer(directory, store=store, clock=SystemClock())
    await server.start()
    print(json.dumps({"port": server.port}), flush=True)  # noqa: T201
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
