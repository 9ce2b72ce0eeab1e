"""Has the operator's own server decide about publishers that would be let in."""

from dataclasses import replace

from ingest.admission import Admission, Admitted, PublishRefused, PublishRequest
from ingest.webhook import NoDecision, Question, Webhook


class WebhookAdmission:
    """An admission that asks once more.

    It stands around the one that limits guesses: who is refused here has not mistaken anything, and
    while one waits for the answer the keys of others are looked at.
    """

    def __init__(self, admission: Admission, webhook: Webhook) -> None:
        self._admission = admission
        self._webhook = webhook

    async def admit(self, request: PublishRequest) -> Admitted:
        admitted = await self._admission.admit(request)
        question = Question(
            admitted.source_id,
            admitted.key_id,
            request.address,
            request.app.partition("?")[0],
            request.secure,
        )
        try:
            decision = await self._webhook.ask(question)
        except NoDecision:
            # Closed when in doubt: whoever has set this up wants to be asked.
            description = "this publication cannot be checked now, try again"
            raise PublishRefused(description, is_mistake=False) from None
        if not decision.is_allowed:
            raise PublishRefused(decision.reason, is_mistake=False)
        limits = [limit for limit in (admitted.bitrate_max, decision.bitrate_max) if limit]
        return replace(admitted, bitrate_max=min(limits, default=0))
