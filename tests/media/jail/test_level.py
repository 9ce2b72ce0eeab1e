"""From parts to a level."""

from dataclasses import fields, replace

import pytest

from media.jail.level import Level, Parts, minimum_of, minimum_option, parts_from_json

_ALL = Parts(**{field.name: True for field in fields(Parts)})


@pytest.mark.parametrize(
    ("lacking", "level"),
    [
        ((), Level.FULL),
        (("directory",), Level.FULL),
        (("network",), Level.STRONG),
        (("landlock",), Level.STRONG),
        (("account",), Level.STRONG),
        (("capabilities",), Level.STRONG),
        (("network", "landlock"), Level.STRONG),
        (("seccomp",), Level.BASIC),
        (("seccomp", "landlock", "network"), Level.BASIC),
        (("limits",), Level.NONE),
        (("sealed",), Level.NONE),
    ],
)
def test_what_lacks_lowers_the_level(lacking: tuple[str, ...], level: Level) -> None:
    assert replace(_ALL, **dict.fromkeys(lacking, False)).level is level


def test_nothing_is_no_jail() -> None:
    assert Parts().level is Level.NONE


def test_parts_survive_json() -> None:
    some = replace(_ALL, network=False)
    assert parts_from_json(some.as_json()) == some


@pytest.mark.parametrize("document", [{}, {"limits": True}, {**_ALL.as_json(), "network": 1}])
def test_other_documents_are_refused(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not the parts"):
        parts_from_json(document)


@pytest.mark.parametrize("level", Level)
def test_a_worker_reads_the_minimum_that_its_command_names(level: Level) -> None:
    assert minimum_of(["--other", minimum_option(level)]) is level


def test_without_a_minimum_any_level_will_do() -> None:
    assert minimum_of([]) is Level.NONE
