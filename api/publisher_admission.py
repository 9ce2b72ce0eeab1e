"""Puts together who decides on publishers."""

from contextlib import AsyncExitStack
from pathlib import Path

from api.admission_webhook import AdmissionWebhook
from api.jwks import KeySetFile, KeySetServer
from api.stores import Stores
from config.clock import Clock
from config.limits import RTMP_KNOWN_KEYS_MAX
from config.settings import PublishTokens
from ingest.admission import Admission
from ingest.guess_limit import GuessLimit
from ingest.issuer_keys import FetchedKeys
from ingest.publish_token import IssuerKeys, TokenSigner
from ingest.source_admission import SourceAdmission
from ingest.webhook_admission import WebhookAdmission


async def open_admission(stores: Stores, signer: TokenSigner, stack: AsyncExitStack) -> Admission:
    """Keys and tokens, as many guesses as are allowed, then the webhook, if there is one."""
    rtmp = stores.settings.rtmp
    issuers: list[IssuerKeys] = [signer]
    if rtmp.tokens.issuer:
        issuers.append(_issuer(rtmp.tokens, stores.clock))
    limited = GuessLimit(
        SourceAdmission(stores.sources, issuers, stores.clock),
        lambda: stores.sources.key_hashes(RTMP_KNOWN_KEYS_MAX),
        stores.clock,
    )
    if not rtmp.webhook.url:
        return limited
    webhook = AdmissionWebhook(
        rtmp.webhook.url,
        rtmp.webhook.secret.get_secret_value(),
        rtmp.webhook.timeout_milliseconds,
        stores.clock,
    )
    stack.push_async_callback(webhook.stop)
    await webhook.start()
    return WebhookAdmission(limited, webhook)


def _issuer(tokens: PublishTokens, clock: Clock) -> FetchedKeys:
    if tokens.jwks_url:
        return FetchedKeys(tokens.issuer, KeySetServer(tokens.jwks_url).fetch, clock)
    return FetchedKeys(tokens.issuer, KeySetFile(Path(tokens.jwks_file)).fetch, clock)
