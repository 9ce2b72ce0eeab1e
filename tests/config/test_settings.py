"""Settings: what outweighs what, and how mistakes are told."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest

from config.settings import Settings, SettingsError, load, read_environment, setting_paths

_RANDOM = "q0bGm2vK9lX7sT4uYw1zRr8nHc5dJp3fEa6iLo+/Vg4="
_SAMPLE = Path(__file__).parents[2] / "scripts" / "deploy" / "tollcast.toml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tollcast.toml"
    path.write_text("[http]\nport = 1\n[rtmp]\nport = 1\n[log]\nlevel = 'error'\n")
    return path


def _problems(*arguments: str, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(arguments, environment or {}, None)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_nothing_set_gives_the_defaults() -> None:
    assert load([], {}, None) == Settings()


def test_a_flag_outweighs_the_environment_which_outweighs_the_file(file: Path) -> None:
    environment = {"TOLLCAST_HTTP__PORT": "2", "TOLLCAST_RTMP__PORT": "2"}
    settings = load(["--http.port=3"], environment, file)
    assert (settings.http.port, settings.rtmp.port, settings.log.level) == (3, 2, "error")


def test_a_flag_takes_its_value_in_either_way() -> None:
    settings = load(["--http.port", "0", "--data_directory=/srv/x=y", "--demo", "off"], {}, None)
    assert settings.http.port == 0
    assert settings.data_directory == Path("/srv/x=y")
    assert not settings.demo_is_on


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(Settings().http, "port", 1)  # noqa: B010 mypy refuses the assignment as well


def test_the_plain_database_url_is_honoured_and_ours_outweighs_it() -> None:
    plain = {"DATABASE_URL": "postgresql://a@b/c"}
    assert load([], plain, None).database.url.get_secret_value() == "postgresql://a@b/c"
    both = {**plain, "TOLLCAST_DATABASE__URL": "postgres://d@e/f"}
    assert load([], both, None).database.url.get_secret_value() == "postgres://d@e/f"


def test_all_mistakes_are_told_at_once_each_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("colour = 'red'\n[http]\nhots = 'h'\n[media]\npreset = 'sluggish'\n")
    environment = {"TOLLCAST_RTMP__PORT": "70000", "TOLLCAST_PRICE__SECOND": "1"}
    with pytest.raises(SettingsError) as caught:
        load(["--http.port=many", "stray", "--log.level"], environment, file)
    text = str(caught.value)
    for expected in (
        f"file {file}: unknown setting colour\n",
        f"file {file}: unknown setting http.hots; did you mean http.host?",
        f"file {file}: media.preset should be 'ultrafast', ",
        "environment TOLLCAST_PRICE__SECOND: unknown setting price.second; "
        "did you mean price.seconds?",
        "environment TOLLCAST_RTMP__PORT: rtmp.port should be less than or equal to 65535, "
        "not '70000'",
        "flag --http.port: http.port should be a valid integer",
        "argument 'stray': is not a setting",
        "flag --log.level: has no value",
    ):
        assert expected in text
    assert len(caught.value.problems) == 8


@pytest.mark.parametrize(
    ("flag", "advice"),
    [
        ("--port=1", "did you mean http.port or rtmp.port or rtmps.port?"),
        ("--http.prot=1", "did you mean http.port?"),
        ("--http=1", "unknown setting http"),
        ("--http.port.x=1", "did you mean http.port?"),
        ("--=1", "unknown"),
        ("--zzzzzz=1", "unknown setting zzzzzz"),
    ],
)
def test_an_unknown_setting_is_refused_with_advice(flag: str, advice: str) -> None:
    assert any(advice in problem or "is not a setting" in problem for problem in _problems(flag))


def test_a_file_that_is_not_there_or_not_toml_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load([], {}, tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[http\n")
    with pytest.raises(SettingsError, match="is not TOML"):
        load([], {}, tmp_path / "bad.toml")


def test_a_value_for_a_section_and_a_section_for_a_value_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("http = 5\n[data_directory]\nx = 1\n")
    with pytest.raises(SettingsError) as caught:
        load([], {}, tmp_path / "x.toml")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("url", ["ftp://host/", "example.org", "http://", "https:///path"])
def test_an_address_has_to_be_a_web_url(url: str) -> None:
    (problem,) = _problems(f"--http.public_url={url}")
    assert problem.startswith("flag --http.public_url: http.public_url should be an http:// or")


def test_the_last_slash_of_an_address_is_dropped() -> None:
    assert load(["--http.public_url=https://a.b/"], {}, None).http.public_url == "https://a.b"


def test_proxies_are_trusted_by_their_networks_but_never_everybody() -> None:
    assert load(["--http.trusted_proxies="], {}, None).http.trusted_proxies == ()
    given = {"TOLLCAST_HTTP__TRUSTED_PROXIES": "127.0.0.1, 10.1.2.3/8 ,2001:DB8::/32"}
    proxies = load([], given, None).http.trusted_proxies
    assert proxies == ("127.0.0.1/32", "10.0.0.0/8", "2001:db8::/32")
    for wrong, reason in (("nginx", "should be addresses"), ("::/0", "would believe everybody")):
        (problem,) = _problems(f"--http.trusted_proxies=127.0.0.1,{wrong}")
        flag = "flag --http.trusted_proxies: http.trusted_proxies"
        assert problem.startswith(f"{flag} {reason}")


def test_a_network_has_a_name() -> None:
    (problem,) = _problems("--stellar.rpc_url=https://rpc.example.org")
    assert problem == "stellar: network_passphrase has to be set together with a URL"


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        ([], 0),
        (["--http.public_url=https://a.b"], 2),
        (["--database.url=postgresql://a@b/c"], 2),
        (["--media.jail_level_minimum=3"], 3),
        (["--http.public_url=https://a.b", "--media.jail_level_minimum", "0"], 0),
    ],
)
def test_what_strangers_reach_opens_media_in_a_jail(flags: list[str], level: int) -> None:
    assert load(flags, {}, None).jail_level_minimum == level


def test_a_level_is_a_number_or_auto(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("[media]\njail_level_minimum = 1\n")
    assert load([], {}, tmp_path / "x.toml").jail_level_minimum == 1
    (problem,) = _problems("--media.jail_level_minimum=4")
    assert problem == (
        "flag --media.jail_level_minimum: "
        "media.jail_level_minimum should be 'auto', 0, 1, 2 or 3, not '4'"
    )


@pytest.mark.parametrize(
    ("flags", "port"),
    [
        ([], 1936),
        (["--rtmp.port=0"], 0),
        (["--rtmp.port=65535"], 0),
        (["--rtmps.port=443"], 443),
        (["--rtmps.port=off"], None),
        (["--http.public_url=https://a.b"], None),
        (
            ["--http.public_url=https://a.b", "--rtmps.certificate_file=c", "--rtmps.key_file=k"],
            1936,
        ),
    ],
)
def test_publishers_come_over_tls_where_there_is_a_certificate_or_nobody_from_outside(
    flags: list[str], port: int | None
) -> None:
    assert load(flags, {}, None).rtmps_port == port


def test_a_certificate_has_a_key_and_a_public_port_a_certificate() -> None:
    assert "certificate_file and key_file" in _problems("--rtmps.key_file=k")[0]
    problems = _problems("--rtmps.port=443", "--http.public_url=https://a.b")
    assert "rtmps.port needs rtmps.certificate_file" in problems[0]
    assert "rtmp://" in _problems("--rtmp.reconnect_url=http://a.b")[0]


def test_a_secret_is_neither_printed_nor_put_into_an_error() -> None:
    url = "postgresql://u:hunter2@h/d"
    settings = load([f"--database.url={url}"], {}, None)
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()
    (problem,) = _problems("--database.url=mysql://u:hunter2@h/d")
    assert problem == "flag --database.url: database.url should be a postgresql:// URL"


def test_addresses_that_kubernetes_adds_are_not_settings() -> None:
    environment = {
        "TOLLCAST_SERVICE_HOST": "10.0.0.1",
        "TOLLCAST_SERVICE_PORT": "80",
        "TOLLCAST_SERVICE_PORT_HTTP": "80",
        "TOLLCAST_PORT": "tcp://10.0.0.1:80",
        "TOLLCAST_PORT_80_TCP": "tcp://10.0.0.1:80",
        "TOLLCAST_PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert load([], environment, None) == Settings()


@pytest.mark.parametrize(
    "outside",
    [
        "--database.url=postgresql://h/d",
        "--http.public_url=https://a.b",
    ],
)
def test_the_demo_runs_only_while_nothing_outside_is_named(outside: str) -> None:
    assert Settings().demo_is_on
    assert load(["--http.port=0", "--data_directory=/srv"], {}, None).demo_is_on
    assert not load([outside], {}, None).demo_is_on
    assert load([outside, "--demo=on"], {}, None).demo_is_on


def test_only_our_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLCAST_HTTP__PORT", "1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://h/d")
    environment = read_environment()
    assert environment["TOLLCAST_HTTP__PORT"] == "1"
    assert "PATH" not in environment
    assert "DATABASE_URL" in environment


def test_a_section_within_a_section_is_set_in_every_way(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        f"[rtmp.webhook]\nurl = 'http://a'\nsecret = '{_RANDOM}'\ntimeout_milliseconds = 100\n"
    )
    environment = {"TOLLCAST_RTMP__WEBHOOK__URL": "http://b", "TOLLCAST_RTMP__PORT": "5"}

    rtmp = load(["--rtmp.webhook.timeout_milliseconds=200"], environment, tmp_path / "x.toml").rtmp

    assert (rtmp.port, rtmp.webhook.url, rtmp.webhook.timeout_milliseconds) == (5, "http://b", 200)
    assert rtmp.webhook.secret.get_secret_value() == _RANDOM


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["rtmp.webhook.url=https://a.b"], "rtmp.webhook: url and secret have to be set together"),
        ([f"rtmp.webhook.secret={_RANDOM}"], "rtmp.webhook: url and secret have to be set"),
        (["rtmp.webhook.url=a.b"], "rtmp.webhook.url should be an http:// or https:// URL"),
        (["rtmp.webhook.timeout_milliseconds=99"], "should be greater than or equal to 100"),
        (["rtmp.tokens.issuer=https://a.b"], "rtmp.tokens: issuer has to be set together with"),
        (["rtmp.tokens.jwks_file=keys.json"], "rtmp.tokens: issuer has to be set together with"),
        (
            [
                "rtmp.tokens.issuer=them",
                "rtmp.tokens.jwks_file=keys.json",
                "rtmp.tokens.jwks_url=https://a.b/keys",
            ],
            "rtmp.tokens: jwks_url and jwks_file cannot both be set",
        ),
    ],
)
def test_what_belongs_together_is_set_together(flags: list[str], problem: str) -> None:
    (told,) = _problems(*(f"--{flag}" for flag in flags))
    assert problem in told


@pytest.mark.parametrize(
    "secret",
    [
        "short",
        "x" * 31,
        "x" * 64,
        "whsec_AAAA",
        "whsec_" + "!" * 64,
        "0123456789abcdef0123456789-changeme",
        "your-webhook-secret-change-in-production",
    ],
)
def test_a_weak_secret_is_refused_with_a_cure_and_not_repeated(secret: str) -> None:
    problem = _problems("--rtmp.webhook.url=https://a.b", f"--rtmp.webhook.secret={secret}")[0]

    assert problem.startswith("flag --rtmp.webhook.secret: rtmp.webhook.secret ")
    assert "openssl rand -base64 32" in problem or "base 64" in problem
    assert secret not in problem


def test_the_sample_file_is_valid_and_says_the_defaults() -> None:
    assert load([], {}, _SAMPLE) == Settings()


def test_the_sample_file_has_every_setting_and_a_comment_above_it() -> None:
    document = tomllib.loads(_SAMPLE.read_text())
    for path in setting_paths():
        *sections, key = path.split(".")
        table = document
        for section in sections:
            table = table[section]
        assert key in table, path
    lines = _SAMPLE.read_text().splitlines()
    bare = [
        line
        for above, line in itertools.pairwise(lines)
        if re.match(r"\w+ = ", line) and not above.startswith("#")
    ]
    # Pairs that one comment explains together.
    assert bare == ['jwks_file = ""', 'key_file = ""', 'rpc_url = ""', "seconds = 3600"]
