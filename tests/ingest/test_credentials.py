"""Where publishers put what they show, each as a real client sends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import PUBLISH_ADDRESS_CHARACTERS_MAX
from ingest.credentials import Credentials, parse_credentials

KEY = "g0000000-00000000-00000000-00000001"
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJzcmNfMSJ9.c2lnbmF0dXJl"
CAMERA = frozenset({"camera"})
URL = "rtmp://host/live"

SHAPES = [
    # stream name, app, tcUrl -> what it is
    (KEY, "live", URL, Credentials(key=KEY)),
    (f"{KEY}?token=abc", "live", URL, Credentials(key=KEY)),
    (f"{KEY}?bandwidthtest=true", "live", URL, Credentials(key=KEY)),
    (f"/{KEY}", "live", URL, Credentials(key=KEY)),
    (TOKEN, "live", URL, Credentials(token=TOKEN)),
    (f"{TOKEN}?a=b", "live", URL, Credentials(token=TOKEN)),
    (f"camera?token={TOKEN}", "live", URL, Credentials(token=TOKEN, names=CAMERA)),
    (f"camera?jwt={TOKEN}", "live", URL, Credentials(token=TOKEN, names=CAMERA)),
    (f"camera?key={KEY}", "live", URL, Credentials(key=KEY, names=CAMERA)),
    (f"?user=camera&pass={KEY}", "live", URL, Credentials(key=KEY, names=CAMERA)),
    (f"camera?user=camera&pass={KEY}", "live", URL, Credentials(key=KEY, names=CAMERA)),
    (
        f"stage?user=camera&pass={KEY}",
        "live",
        URL,
        Credentials(key=KEY, names=frozenset({"camera", "stage"})),
    ),
    # OBS with several tracks, and with a server's address that ends in a query
    ("camera", "live", f"{URL}?user=camera&pass={KEY}", Credentials(key=KEY, names=CAMERA)),
    ("camera", "live", f"{URL}?token={TOKEN}", Credentials(token=TOKEN, names=CAMERA)),
    ("", "live", f"{URL}?token={TOKEN}", Credentials(token=TOKEN)),
    ("camera", f"live?token={TOKEN}", URL, Credentials(token=TOKEN, names=CAMERA)),
    (KEY, "live", f"{URL}?clientConfigId=1", Credentials(key=KEY)),
    # What stands closest to the stream counts.
    (f"camera?key={KEY}", "live", f"{URL}?key=other", Credentials(key=KEY, names=CAMERA)),
    (f"camera?user=camera&pass={TOKEN}", "live", URL, Credentials(token=TOKEN, names=CAMERA)),
    # Nothing, or nothing of use
    ("", "", "", Credentials()),
    ("camera", "live", URL, Credentials(key="camera")),
    (f"?{KEY}", "live", URL, Credentials()),
    ("camera?" + "&".join(f"f{n}=1" for n in range(17)), "live", URL, Credentials(key="camera")),
    ("x" * (PUBLISH_ADDRESS_CHARACTERS_MAX + 1), "live", URL, Credentials()),
    (KEY, "live", "x" * (PUBLISH_ADDRESS_CHARACTERS_MAX + 1), Credentials()),
    ("\ud800?token=%ff%fe", "live", "rtmp://[::1?=&&=", Credentials(key="\ud800")),
]


@pytest.mark.parametrize(("stream_name", "app", "url", "shown"), SHAPES)
def test_credentials_are_found_wherever_they_are(
    stream_name: str, app: str, url: str, shown: Credentials
) -> None:
    assert parse_credentials(stream_name, app, url) == shown


_ADDRESSES = st.text(alphabet=st.characters() | st.sampled_from("?&=%/.+;#"))


@given(_ADDRESSES, _ADDRESSES, _ADDRESSES)
def test_whatever_comes_is_a_key_a_token_or_nothing(stream_name: str, app: str, url: str) -> None:
    shown = parse_credentials(stream_name, app, url)

    assert not (shown.key and shown.token)
    assert "" not in shown.names
