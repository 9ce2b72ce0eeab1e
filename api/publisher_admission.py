"""Puts together who decides on publishers."""

from contextlib import AsyncExitStack
from pathlib import Path

from api.admission_webhook import AdmissionWebhook
from api.jwks import KeySetFile, KeySetServer
from config.clock import Clock
from config.limits import RTMP_KNOWN_KEYS_MAX
from config.settings import PublishTokens, Rtmp
from ingest.admission import Admission
from ingest.guess_limit import GuessLimit
from ingest.issuer_keys import FetchedKeys
from ingest.publish_token import IssuerKeys, TokenSigner
from ingest.source_admission import SourceAdmission
from ingest.source_store import SourceStore
from ingest.webhook_admission import WebhookAdmission


async def open_admission(
    settings: Rtmp, sources: SourceStore, signer: TokenSigner, clock: Clock, stack: AsyncExitStack
) -> Admission:
    """Keys and tokens, as many guesses as are allowed, then the webhook, if there is one.

    What was opened ends with the stack.
    """
    issuers: list[IssuerKeys] = [signer]
    if settings.tokens.issuer:
        issuers.append(_issuer(settings.tokens, clock))
    limited = GuessLimit(
        SourceAdmission(sources, issuers, clock),
        lambda: sources.key_hashes(RTMP_KNOWN_KEYS_MAX),
        clock,
    )
    if not settings.webhook.url:
        return limited
    webhook = AdmissionWebhook(
        settings.webhook.url,
        settings.webhook.secret.get_secret_value(),
        settings.webhook.timeout_milliseconds,
        clock,
    )
    stack.push_async_callback(webhook.stop)
    await webhook.start()
    return WebhookAdmission(limited, webhook)


def _issuer(tokens: PublishTokens, clock: Clock) -> FetchedKeys:
    if tokens.jwks_url:
        return FetchedKeys(tokens.issuer, KeySetServer(tokens.jwks_url).fetch, clock)
    return FetchedKeys(tokens.issuer, KeySetFile(Path(tokens.jwks_file)).fetch, clock)
