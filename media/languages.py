"""Languages of sound and captions: what containers call them, as tags of BCP 47 (RFC 5646)."""

import re
from types import MappingProxyType

from config.limits import LABEL_CHARACTERS_MAX, LANGUAGE_CHARACTERS_MAX

UNKNOWN = ""
"""The tag of what nobody has named; BCP 47 would say `und`."""

# language, script, region, variants, extensions and private use (RFC 5646, 2.1); the grandfathered
# tags are left out, and so is private use alone.
_TAG = re.compile(
    r"[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
    r"(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*"
    r"(?:-[xX](?:-[A-Za-z0-9]{1,8})+)?"
)

# ISO 639-2, both the terminological and the bibliographic codes, and the codes of ISO 639-1 that
# BCP 47 wants instead of them (2.2.1): three letters and two.
_CODES = """
aaraa abkab afraf akaak albsq amham araar argan armhy asmas avaav aveae aymay azeaz bakba
bambm baqeu belbe benbn bihbh bisbi bodbo bosbs brebr bulbg burmy catca cescs chach chece
chizh chucu chvcv corkw cosco crecr cymcy czecs danda deude divdv dutnl dzodz ellel engen
epoeo estet euseu eweee faofo fasfa fijfj finfi frafr frefr fryfy fulff geoka gerde glagd
glega glggl glvgv greel grngn gujgu hatht hauha hebhe herhz hinhi hmoho hrvhr hunhu hyehy
iboig iceis idoio iiiii ikuiu ileie inaia indid ipkik islis itait javjv jpnja kalkl kankn
kasks katka kaukr kazkk khmkm kikki kinrw kirky komkv konkg korko kuakj kurku laolo latla
lavlv limli linln litlt ltzlb lublu luglg macmk mahmh malml maomi marmr mayms mkdmk mlgmg
mltmt monmn mrimi msams myamy nauna navnv nblnr ndend ndong nepne nldnl nnonn nobnb norno
nyany ocioc ojioj orior ormom ossos panpa perfa plipi polpl porpt pusps quequ rohrm ronro
rumro runrn rusru sagsg sansa sinsi slksk slosk slvsl smese smosm snasn sndsd somso sotst
spaes sqisq srdsc srpsr sswss sunsu swasw swesv tahty tamta tattt telte tgktg tgltl thath
tibbo tirti tonto tsntn tsots tuktk turtr twitw uigug ukruk urdur uzbuz venve vievi volvo
welcy wlnwa wolwo xhoxh yidyi yoryo zhaza zhozh zulzu
"""
_SHORTER = MappingProxyType({both[:3]: both[3:] for both in _CODES.split()})
# ISO 639-2 for what is no language, or is not told; `qaa` to `qtz` are for private use.
_NONE = re.compile(r"und|mis|mul|zxx|q[a-t][a-z]")

# What people call their own languages (RFC 8216bis wants names in the language itself).
_NAMES = MappingProxyType(
    {
        "ar": "العربية", "bg": "Български", "bn": "বাংলা", "ca": "Català", "cs": "Čeština",
        "da": "Dansk", "de": "Deutsch", "el": "Ελληνικά", "en": "English", "es": "Español",
        "et": "Eesti", "eu": "Euskara", "fa": "فارسی", "fi": "Suomi", "fr": "Français",
        "ga": "Gaeilge", "gl": "Galego", "he": "עברית", "hi": "हिन्दी", "hr": "Hrvatski",
        "hu": "Magyar", "hy": "Հայերեն", "id": "Bahasa Indonesia", "is": "Íslenska",
        "it": "Italiano", "ja": "日本語", "ka": "ქართული", "ko": "한국어", "lt": "Lietuvių",
        "lv": "Latviešu", "mk": "Македонски", "ms": "Bahasa Melayu", "nb": "Norsk bokmål",
        "nl": "Nederlands", "nn": "Norsk nynorsk", "no": "Norsk", "pl": "Polski",
        "pt": "Português", "ro": "Română", "ru": "Русский", "sk": "Slovenčina",
        "sl": "Slovenščina", "sq": "Shqip", "sr": "Српски", "sv": "Svenska", "sw": "Kiswahili",
        "ta": "தமிழ்", "te": "తెలుగు", "th": "ไทย", "tl": "Tagalog", "tr": "Türkçe",
        "uk": "Українська", "ur": "اردو", "vi": "Tiếng Việt", "zh": "中文",
    }
)  # fmt: skip


def language_tag(text: str) -> str:
    """The tag for what a file or a person calls a language; `UNKNOWN` for what is no tag.

    Its letters get the case that people expect (RFC 5646, 2.1.1): `pt-BR`, `zh-Hant`.
    """
    text = text.strip().replace("_", "-")
    if len(text) > LANGUAGE_CHARACTERS_MAX or _TAG.fullmatch(text) is None:
        return UNKNOWN
    first, *others = text.lower().split("-")
    if _NONE.fullmatch(first):
        return UNKNOWN
    return "-".join([_SHORTER.get(first, first), *_with_case(others)])


def _with_case(subtags: list[str]) -> list[str]:
    singleton = next((place for place, one in enumerate(subtags) if len(one) == 1), len(subtags))
    cased = []
    for place, one in enumerate(subtags):
        if place < singleton and len(one) == 4 and one.isalpha():
            one = one.title()  # noqa: PLW2901
        elif place < singleton and len(one) == 2:
            one = one.upper()  # noqa: PLW2901
        cased.append(one)
    return cased


def language_name(tag: str) -> str:
    """What speakers call a language, with its region or script if it has one; else the tag."""
    first, _, rest = tag.partition("-")
    name = _NAMES.get(first)
    if name is None:
        return tag
    return f"{name} ({rest})" if rest else name


def clean_label(text: str) -> str:
    """A name of a track as it may stand in a playlist (RFC 8216, 4.2: no quotes, no line breaks).

    Blanks are joined, and what cannot be seen is left out.
    """
    seen = "".join(sign if sign.isprintable() else " " for sign in text.replace('"', "'"))
    return " ".join(seen.split())[:LABEL_CHARACTERS_MAX].rstrip()
