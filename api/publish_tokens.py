"""Publish tokens over HTTP: made for a source's owner, and checked by anybody with our keys."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from api.area import RouteTable
from api.input import CreatePublishToken, read_body
from api.secret_names import PUBLISH_TOKEN_KEY
from api.stream_keys import OwnSource
from api.wire import timestamp
from config.clock import Clock
from config.secret_files import SecretFiles
from ingest.key_set import write_key_set
from ingest.publish_token import TokenSigner

_SECRET_BYTES = 32
# A key of ours stays as long as its file; others may ask again every five minutes.
_CACHE = {"Cache-Control": "public, max-age=300"}


def open_token_signer(secret_files: SecretFiles) -> TokenSigner:
    """The signer with this server's own key, which is made at the first start.

    Raises:
        SecretExposed: others can read the key.
    """
    text, _ = secret_files.create_or_read(
        PUBLISH_TOKEN_KEY, lambda: base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    )
    return TokenSigner(base64.b64decode(text))


@dataclass(frozen=True, slots=True)
class PublishTokens:
    """The routes `publish-token` of a source, and `/.well-known/jwks.json`.

    Attributes:
        rtmp_url: what publishers are told to push to.
        rtmps_url: the same over TLS; None when there is none.
        other_keys: what else this server signs with.
    """

    signer: TokenSigner
    own: OwnSource
    clock: Clock
    rtmp_url: str
    rtmps_url: str | None
    other_keys: Sequence[Ed25519PublicKey] = ()

    def routes(self) -> RouteTable:
        return [
            web.post("/api/v1/sources/{source}/publish-token", self.create),
            web.get("/.well-known/jwks.json", self.key_set),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """A token, and where to publish with it."""
        source = await self.own(request)
        body = await read_body(request, CreatePublishToken)
        now_s = self.clock.wall_ms() // 1000
        token = self.signer.sign(source.id, now_s, body.seconds)
        document = {
            "token": token,
            "expiresAt": timestamp(datetime.fromtimestamp(now_s + body.seconds, UTC)),
            "rtmpUrl": f"{self.rtmp_url}/{token}",
            "rtmpsUrl": None if self.rtmps_url is None else f"{self.rtmps_url}/{token}",
        }
        return web.json_response(document, status=201)

    async def key_set(self, _request: web.Request) -> web.Response:
        return web.json_response(
            write_key_set([self.signer.public, *self.other_keys]), headers=_CACHE
        )
