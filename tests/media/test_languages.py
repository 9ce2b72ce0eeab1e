import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.languages import clean_label, language_name, language_tag


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("eng", "en"),
        ("ger", "de"),
        ("deu", "de"),
        ("chi", "zh"),
        ("nob", "nb"),
        ("fil", "fil"),
        ("EN", "en"),
        (" pt_br ", "pt-BR"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("eng-us", "en-US"),
        ("sl-rozaj-biske-1994", "sl-rozaj-biske-1994"),
        ("es-419", "es-419"),
        ("en-x-AB", "en-x-ab"),
        ("und", ""),
        ("mul", ""),
        ("qaa", ""),
        ("", ""),
        ("english", ""),
        ('en"', ""),
        ("en\n", "en"),
        ("en-", ""),
        ("e", ""),
        ("de-" + "abcdefgh-" * 5 + "abc", ""),
    ],
)
def test_what_files_call_a_language_becomes_a_tag(text: str, tag: str) -> None:
    assert language_tag(text) == tag


@given(st.text(max_size=60))
def test_a_tag_is_the_tag_of_itself_and_safe_in_a_path(text: str) -> None:
    tag = language_tag(text)
    assert language_tag(tag) == tag
    assert tag.isascii()
    assert not set(tag) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


@pytest.mark.parametrize(
    ("tag", "name"),
    [("de", "Deutsch"), ("pt-BR", "Português (BR)"), ("tlh", "tlh"), ("xx-YY", "xx-YY")],
)
def test_a_language_is_named_as_its_speakers_do(tag: str, name: str) -> None:
    assert language_name(tag) == name


def test_a_label_breaks_out_of_no_playlist() -> None:
    assert (
        clean_label(' Sarah "K."\r\n#EXT-X-KEY\0: \u200e x\u2028y ')
        == "Sarah 'K.' #EXT-X-KEY : x y"
    )
    assert clean_label("\t\n") == ""
    assert len(clean_label("ab " * 100)) <= 80
