import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import REFUSAL_DETAIL_CHARACTERS_MAX
from media.file.refusal import SENTENCES, RefusalCode, Refused, refused_from_worker


@pytest.mark.parametrize("code", RefusalCode)
def test_every_code_has_sentences_that_end(code: RefusalCode) -> None:
    sentence = Refused(code, "H.261").sentence

    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert "{" not in sentence


@pytest.mark.parametrize("code", RefusalCode)
def test_a_refusal_without_detail_reads_as_a_sentence_too(code: RefusalCode) -> None:
    assert "()" not in Refused(code).sentence


def test_a_detail_is_quoted() -> None:
    assert (
        "encoded as magicyuv, which" in Refused(RefusalCode.UNSUPPORTED_CODEC, "magicyuv").sentence
    )


def test_no_code_is_without_a_sentence_nor_the_other_way_round() -> None:
    assert set(SENTENCES) == set(RefusalCode)


@given(st.text(max_size=200))
def test_hostile_details_come_out_short_and_printable(detail: str) -> None:
    kept = Refused(RefusalCode.UNSUPPORTED_CODEC, detail).detail

    assert len(kept) <= REFUSAL_DETAIL_CHARACTERS_MAX
    assert kept.isascii()
    assert kept == "" or kept.isprintable()


@pytest.mark.parametrize("code", RefusalCode)
def test_codes_survive_the_pipe(code: RefusalCode) -> None:
    refused = refused_from_worker(str(code), "x")

    assert (refused.code, refused.detail) == (code, "x")


def test_a_code_that_does_not_exist_is_the_worker_s_fault() -> None:
    with pytest.raises(ValueError, match="gibberish"):
        refused_from_worker("gibberish", "")


def test_braces_in_a_detail_are_only_text() -> None:
    assert "{0.__class__}" in Refused(RefusalCode.IMAGE, "{0.__class__}").sentence
