import pytest

from ingest.admission import Admitted, PublishRefused, PublishRequest
from ingest.webhook import Decision, NoDecision, Question
from ingest.webhook_admission import WebhookAdmission

REQUEST = PublishRequest("live?x=1", "key", "192.0.2.7", "rtmp://h/live", secure=True)


class Keys:
    """An admission that lets in, or does not."""

    def __init__(self, bitrate_max: int = 0) -> None:
        self.bitrate_max = bitrate_max
        self.refused: PublishRefused | None = None

    async def admit(self, request: PublishRequest) -> Admitted:
        if self.refused is not None:
            raise self.refused
        return Admitted("src_1", bitrate_max=self.bitrate_max, ends_ms=5, key_id="key_1")


class Operator:
    """Decides as it was told to."""

    def __init__(self, decision: Decision | None) -> None:
        self.decision = decision
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> Decision:
        self.asked.append(question)
        if self.decision is None:
            raise NoDecision("timed out")
        return self.decision


@pytest.mark.parametrize(
    ("of_key", "of_operator", "both"), [(0, 0, 0), (5, 0, 5), (0, 6, 6), (5, 6, 5), (7, 6, 6)]
)
async def test_who_is_let_in_by_both_has_the_limits_of_both(
    of_key: int, of_operator: int, both: int
) -> None:
    operator = Operator(Decision(True, bitrate_max=of_operator))

    admitted = await WebhookAdmission(Keys(of_key), operator).admit(REQUEST)

    assert admitted == Admitted("src_1", bitrate_max=both, ends_ms=5, key_id="key_1")
    assert operator.asked == [Question("src_1", "key_1", "192.0.2.7", "live", secure=True)]


async def test_who_is_refused_by_the_operator_is_told_why() -> None:
    with pytest.raises(PublishRefused) as refused:
        await WebhookAdmission(Keys(), Operator(Decision(False, "pay first"))).admit(REQUEST)

    assert refused.value.description == "pay first"
    assert not refused.value.is_mistake


async def test_nobody_is_let_in_without_a_decision() -> None:
    with pytest.raises(PublishRefused) as refused:
        await WebhookAdmission(Keys(), Operator(None)).admit(REQUEST)

    assert refused.value.description == "this publication cannot be checked now, try again"
    assert not refused.value.is_mistake


async def test_nobody_is_asked_about_a_wrong_key() -> None:
    keys, operator = Keys(), Operator(Decision(True))
    keys.refused = PublishRefused("unknown stream key")

    with pytest.raises(PublishRefused) as refused:
        await WebhookAdmission(keys, operator).admit(REQUEST)

    assert refused.value is keys.refused
    assert operator.asked == []
