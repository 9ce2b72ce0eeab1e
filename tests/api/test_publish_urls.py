"""What publishers are told to push to."""

from api.publish_urls import PublishUrls, publish_urls
from config.settings import load


def urls(*flags: str, ports: tuple[int, ...] = (1935, 1936)) -> PublishUrls:
    return publish_urls(load(flags, {}, None), ports)


def test_an_address_that_is_listened_on_is_told_as_it_is() -> None:
    assert urls() == PublishUrls(
        "rtmp://127.0.0.1:1935/live", "rtmps://127.0.0.1:1936/live", "rtmp://127.0.0.1:1935/live"
    )
    assert urls("--rtmp.host=::1").rtmp == "rtmp://[::1]:1935/live"
    assert urls("--rtmps.port=off", ports=(1935,)).rtmps is None


def test_who_listens_everywhere_is_known_by_the_public_name() -> None:
    everywhere = ("--rtmp.host=0.0.0.0", "--rtmps.host=::")
    certificate = ("--rtmps.certificate_file=a.pem", "--rtmps.key_file=b.pem")
    name = "--http.public_url=https://live.example.org/x"
    public = urls(*everywhere, *certificate, name, ports=(1935, 443))

    assert public == PublishUrls(
        "rtmp://live.example.org:1935/live",
        "rtmps://live.example.org:443/live",
        "rtmp://127.0.0.1:1935/live",
    )
    assert urls(*everywhere, ports=(5, 6)).rtmp == "rtmp://127.0.0.1:5/live"
