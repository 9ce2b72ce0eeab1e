"""What `tollcast doctor` finds and how it says so."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import pytest

from api.dependencies import jail_dependency
from api.doctor import (
    examine,
    findings_text,
    is_fit,
    jail_finding,
    public_jail_level,
)
from api.finding import Finding, Verdict
from api.health import NotWorking
from api.signer_finding import beside_finding, service_finding
from config.embedded_postgres import SERVER_ROLE, EmbeddedPostgres
from config.settings import load
from media.jail.level import Level, Parts
from media.jail.report import JailReport
from media.jail.words import ADVICE, FORBIDDEN, PARTS
from tests.media.jail.children import LANDLOCK, ROOT, SECCOMP

_ALL = Parts(**{field.name: True for field in fields(Parts)})
_BLOCKED = dict.fromkeys(FORBIDDEN, True)


def test_where_the_key_is_out_of_reach_is_told_from_where_it_is_not() -> None:
    assert beside_finding(None, Path("/data/signer")).verdict is Verdict.OK
    found = beside_finding("no Landlock", Path("/data/signer"))
    assert found.verdict is Verdict.LESS
    assert found.details == ["no Landlock"]
    verdicts = [service_finding(*users).verdict for users in ((7, 8), (7, 7), (7, 0))]
    assert verdicts == [Verdict.OK, Verdict.LESS, Verdict.LESS]


def test_there_are_words_for_every_part() -> None:
    names = {field.name for field in fields(Parts)}
    assert PARTS.keys() == ADVICE.keys() == names


def test_a_whole_jail_is_well_and_needs_no_advice() -> None:
    finding = jail_finding(JailReport(_ALL, _BLOCKED), 2)
    assert (finding.verdict, finding.advice) == (Verdict.OK, [])
    assert "level 3 of 3" in finding.state


def test_what_lacks_above_the_minimum_is_told_and_accepted() -> None:
    finding = jail_finding(JailReport(replace(_ALL, landlock=False), _BLOCKED), 2)
    assert finding.verdict is Verdict.LESS
    assert any("Linux 5.13" in line for line in finding.advice)
    assert is_fit([finding])


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (JailReport(replace(_ALL, seccomp=False), _BLOCKED), "--media.jail_level_minimum=1"),
        (JailReport(_ALL, {**_BLOCKED, "write_file": False}), "can still write files"),
        (JailReport(Parts(), dict.fromkeys(FORBIDDEN, False)), "only be locked in on Linux"),
    ],
)
async def test_what_lacks_below_the_minimum_is_bad(report: JailReport, reason: str) -> None:
    finding = jail_finding(report, 2)
    assert finding.verdict is Verdict.BAD
    assert any(reason in line for line in finding.advice)
    with pytest.raises(NotWorking):
        await jail_dependency(report, 2).probe()
    assert (await jail_dependency(report, 0).probe()).startswith(f"level {report.level}")


def test_the_public_level_is_asked_for_even_when_the_server_stands_alone() -> None:
    assert public_jail_level(load([], {}, None)) == Level.STRONG
    assert public_jail_level(load(["--media.jail_level_minimum=1"], {}, None)) == Level.BASIC


def test_long_advice_is_wrapped_and_what_is_bad_is_named_in_the_end() -> None:
    text = findings_text(
        [
            Finding(Verdict.OK, "Python", "3.13"),
            Finding(Verdict.BAD, "Disk", "full", advice=["make room " * 20]),
        ]
    )
    assert max(map(len, text.splitlines())) <= 100
    assert text.endswith("would not start here, because of: Disk.")


def doctor(*arguments: str, lacking: Sequence[tuple[int, int]] = ()) -> tuple[str, int]:
    """What the command prints on a kernel that lacks something, and its exit code."""
    code = (
        "import sys; from api.cli import main; from tests.media.jail.children import refuse\n"
        f"{lacking} and refuse({lacking})\n"
        "code = main(sys.argv[1:])\n"
        "assert 'av' not in sys.modules\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "doctor", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout, done.returncode


@pytest.mark.process
async def test_a_role_that_could_change_the_journal_is_told(
    postgres_server: EmbeddedPostgres,
) -> None:
    owner, server = postgres_server.url(), postgres_server.url(SERVER_ROLE)
    found = []
    for flags in ([f"--database.url={owner}"], [f"--database.url={server}",
                                                f"--database.owner_url={owner}"]):  # fmt: skip
        findings = await examine(load(flags, {}, None))
        found += [each for each in findings if each.subject == "Database"]
    one_role, two_roles = found
    assert one_role.verdict is Verdict.LESS
    assert "tollcast could change what happened" in one_role.details[0]
    assert two_roles.verdict is Verdict.OK
    assert "tollcast_server cannot change the journal" in two_roles.state


@pytest.mark.process
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has this jail")
def test_a_newcomer_is_told_what_there_is_and_what_to_do(tmp_path: Path) -> None:
    there = f"--data_directory={tmp_path / 'not' / 'there' / 'yet'}"
    said, code = doctor(there, lacking=[LANDLOCK])
    assert code == 0
    assert "PyAV" in said
    assert "less  Jail      level 2 of 3" in said
    assert "our own Postgres" in said
    assert "[ ] it can open no file" in said
    said, code = doctor(
        "--database.url=postgresql://somebody@127.0.0.1:1/x",
        "--data_directory=/proc/tollcast",
        lacking=[SECCOMP],
    )
    assert code == 1
    assert said.endswith("would not start here, because of: Jail, Disk, Database.\n")
