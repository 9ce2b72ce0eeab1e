"""What a newcomer reads."""

import json

from api.announcement import Announcement


def announcement(stream_key: str | None, rtmps_url: str | None = None) -> Announcement:
    return Announcement(
        version="1.2.3",
        http_url="http://127.0.0.1:8080",
        rtmp_url="rtmp://127.0.0.1:1935/live",
        rtmps_url=rtmps_url,
        source="main",
        stream_key=stream_key,
        watch_url="http://127.0.0.1:8080/watch/main",
        studio_url="http://127.0.0.1:8080/studio#token=tc_x",
        demo_url=None,
        creator_token="tc_x",
        play_money=True,
        network_url="http://127.0.0.1:1",
    )


def test_the_money_is_said_to_be_play_money() -> None:
    assert "Play money" in announcement("k").as_text()


def test_the_key_is_shown_when_it_is_new() -> None:
    assert "k1-secret" in announcement("k1-secret").as_text()


def test_an_address_over_tls_is_shown_where_there_is_one() -> None:
    assert "rtmps" not in announcement("k").as_text()
    url = "rtmps://127.0.0.1:1936/live"
    assert f"rtmp://127.0.0.1:1935/live   (or {url})" in announcement("k", url).as_text()


def test_a_later_start_says_how_to_get_a_new_key() -> None:
    assert "tollcast keys main" in announcement(None).as_text()


def test_json_carries_every_address_on_one_line() -> None:
    text = announcement("k").as_json()
    assert "\n" not in text
    assert json.loads(text)["rtmp_url"] == "rtmp://127.0.0.1:1935/live"
