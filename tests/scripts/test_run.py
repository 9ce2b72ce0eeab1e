"""The set-up script, with programs in its way that only pretend to install.

The fake `uv`, `npm` and `python` are real programs on a PATH of their own; each notes its call.
"""

import contextlib
import fcntl
import importlib.util
import io
import json
import os
import shutil
import sys
import threading
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.process

_FILE = Path(__file__).parents[2] / "run"


def _loaded() -> ModuleType:
    loader = SourceFileLoader("run_script", str(_FILE))
    spec = importlib.util.spec_from_loader("run_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["run_script"] = module
    loader.exec_module(module)
    return module


run = _loaded()


def _program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def _python(path: Path, minor: int, *, ensurepip: bool = True) -> Path:
    return _program(path, f"echo '[[3, {minor}], {json.dumps(ensurepip)}]'")


# --- finding a Python -----------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home"), "PATH": f"{tmp_path / 'a'}{os.pathsep}{tmp_path / 'b'}"}


def test_the_python_that_runs_the_script_is_taken_when_it_is_new_enough(
    tmp_path: Path, home: dict[str, str]
) -> None:
    own = _python(tmp_path / "own", 12)
    _python(tmp_path / "a" / "python3.14", 14)
    assert run.find_interpreter(str(own), (3, 12), home).path == str(own)


def test_an_old_python_finds_the_newest_on_the_path_that_really_starts(
    tmp_path: Path, home: dict[str, str]
) -> None:
    _program(tmp_path / "a" / "python3.14", "echo 'pyenv: python3.14: command not found'; exit 127")
    _python(tmp_path / "a" / "python3.12", 12)
    wanted = _python(tmp_path / "b" / "python3.13", 13)
    found = run.find_interpreter("/usr/bin/python3", (3, 11), home)
    assert (found.path, found.version) == (str(wanted), (3, 13))


def test_a_dead_shim_does_not_hide_the_same_name_further_along(
    tmp_path: Path, home: dict[str, str]
) -> None:
    _program(tmp_path / "a" / "python3.13", "exit 127")
    wanted = _python(tmp_path / "b" / "python3.13", 13)
    assert run.find_interpreter("x", (3, 9), home).path == str(wanted)


def test_a_python_too_new_for_the_locked_packages_is_passed_over(
    tmp_path: Path, home: dict[str, str]
) -> None:
    own = _python(tmp_path / "own", 15)
    wanted = _python(tmp_path / "b" / "python3.14", 14)
    assert run.find_interpreter(str(own), (3, 15), home).path == str(wanted)


@pytest.mark.parametrize(
    "place", [".pyenv/versions/3.13.1/bin", ".local/share/uv/python/cpython-3.13.1-linux/bin"]
)
def test_version_folders_of_pyenv_and_uv_are_searched(
    tmp_path: Path, home: dict[str, str], place: str
) -> None:
    wanted = _python(tmp_path / "home" / place / "python3.13", 13)
    assert run.find_interpreter("x", (3, 11), home).path == str(wanted)


def test_a_python_that_can_make_environments_is_preferred(
    tmp_path: Path, home: dict[str, str]
) -> None:
    bare = _python(tmp_path / "own", 13, ensurepip=False)
    full = _python(tmp_path / "a" / "python3.12", 12)
    assert run.find_interpreter(str(bare), (3, 13), home).path == str(full)
    full.unlink()
    assert run.find_interpreter(str(bare), (3, 13), home).path == str(bare)


def test_uv_fetches_a_python_when_there_is_none(tmp_path: Path, home: dict[str, str]) -> None:
    fetched = _python(tmp_path / "fetched" / "python3.13", 13)
    _program(tmp_path / "a" / "uv", f'[ "$2" = find ] && echo {fetched}; true')
    assert run.find_interpreter("x", (3, 11), home).path == str(fetched)


def test_without_any_the_message_says_what_to_do(home: dict[str, str]) -> None:
    with pytest.raises(run.SetUpFailed, match=r"3\.12 to 3\.14 is needed.*this is 3\.11.*pyenv"):
        run.find_interpreter("x", (3, 11), home)


def test_debians_missing_module_is_named_to_who_cannot_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    bare = run.Interpreter("/usr/bin/python3", (3, 13), has_ensurepip=False)
    with pytest.raises(run.SetUpFailed, match=r"apt-get install python3\.13-venv"):
        run.need_ensurepip(bare)


def test_root_installs_debians_missing_module_without_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    _program(tmp_path / "apt-get", f'echo "$DEBIAN_FRONTEND $*" >> {tmp_path}/calls')
    run.need_ensurepip(run.Interpreter("/usr/bin/python3", (3, 13), has_ensurepip=False))
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[0] == "noninteractive update -qq"
    assert calls[1].startswith("noninteractive install -y")
    assert calls[1].endswith("python3.13-venv")


# --- setting up -----------------------------------------------------------------------------------

_UV = """
echo "uv $*" >> {calls}
[ -e {broken} ] && {{ echo "no network"; exit 1; }}
if [ "$1" = venv ]; then
    for last; do :; done
    mkdir -p "$last/bin"
    printf '#!/bin/sh\\necho "$*" >> {compiled}\\necho "[[3, 13], true]"\\n' > "$last/bin/python"
    chmod +x "$last/bin/python"
    echo "version = 3.13.0" > "$last/pyvenv.cfg"
fi
"""


class _Checkout:
    """A copy of the project's outline, and what was called on it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.broken = folder / "broken"
        self._calls = folder / "calls"
        self.root.mkdir()
        for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock"):
            (self.root / name).write_text(name)
        self.compiled = folder / "compiled"
        uv = _UV.format(calls=self._calls, broken=self.broken, compiled=self.compiled)
        _program(folder / "programs" / "uv", uv)

    def add_pages(self, programs: Path) -> None:
        web = self.root / "api" / "web"
        (web / "src").mkdir(parents=True)
        for name in ("package.json", "package-lock.json", "index.html", "src/main.ts"):
            (web / name).write_text(name)
        _program(programs / "node", "echo v22.1.0")
        _program(
            programs / "npm",
            f'echo "npm $*" >> {self._calls}; mkdir -p dist node_modules; echo x > dist/index.html',
        )

    def set_up(self, *, development: bool = False) -> list[str]:
        """Run the set-up; the programs it called, in short."""
        self._calls.write_text("")
        run.SetUp(self.root).run(development)
        return self.calls()

    def calls(self) -> list[str]:
        kinds = {
            "uv venv": "venv",
            " -r ": "lock",
            " -e ": "project",
            "npm ci": "npm ci",
            "npm run build": "build",
        }
        lines = self._calls.read_text().splitlines()
        found = [next(kind for mark, kind in kinds.items() if mark in line) for line in lines]
        return [
            line.rsplit("/", 1)[1] if kind == "lock" else kind
            for line, kind in zip(lines, found, strict=True)
        ]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Checkout:
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}:/usr/bin:/bin")
    return _Checkout(tmp_path)


def test_the_first_start_installs_and_the_second_does_nothing(checkout: _Checkout) -> None:
    assert checkout.set_up() == ["venv", "requirements.lock", "project"]
    assert checkout.set_up() == []


def test_what_is_installed_is_compiled_once(checkout: _Checkout) -> None:
    (checkout.root / "media").mkdir()
    checkout.set_up()
    asked = [line for line in checkout.compiled.read_text().splitlines() if "compileall" in line]
    assert [line.split()[-1] for line in asked] == [str(checkout.root / "media")]
    checkout.compiled.unlink()
    checkout.set_up()
    assert not checkout.compiled.exists() or "compileall" not in checkout.compiled.read_text()


def test_tests_need_more_and_then_running_needs_nothing_new(checkout: _Checkout) -> None:
    checkout.set_up()
    assert checkout.set_up(development=True) == ["requirements-dev.lock"]
    assert checkout.set_up() == []
    assert checkout.set_up(development=True) == []


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements.lock"])
def test_what_changed_is_installed_again(checkout: _Checkout, changed: str) -> None:
    checkout.set_up()
    (checkout.root / changed).write_text("new")
    assert checkout.set_up() == ["requirements.lock", "project"]
    assert checkout.set_up() == []


def test_an_interrupted_installation_is_thrown_away_and_redone(checkout: _Checkout) -> None:
    checkout.set_up()
    record = checkout.root / ".venv" / "set-up.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "installing": "yes"}))
    (checkout.root / ".venv" / "half-a-package").touch()
    assert checkout.set_up() == ["venv", "requirements.lock", "project"]
    assert not (checkout.root / ".venv" / "half-a-package").exists()


def test_a_failure_shows_what_was_said_and_the_next_start_repairs_it(
    checkout: _Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.broken.touch()
    with pytest.raises(run.SetUpFailed, match=r"making \.venv failed"):
        checkout.set_up()
    assert "no network" in capsys.readouterr().err
    checkout.broken.unlink()
    assert checkout.set_up() == ["venv", "requirements.lock", "project"]


def test_a_moved_folder_gets_a_new_environment(checkout: _Checkout) -> None:
    checkout.set_up()
    moved = checkout.root.with_name("moved")
    shutil.move(checkout.root, moved)
    checkout.root = moved
    assert checkout.set_up() == ["venv", "requirements.lock", "project"]


def test_an_environment_whose_python_is_gone_is_replaced(checkout: _Checkout) -> None:
    checkout.set_up()
    (checkout.root / ".venv" / "bin" / "python").unlink()
    assert checkout.set_up() == ["venv", "requirements.lock", "project"]


def test_an_environment_that_somebody_made_is_kept_and_filled(checkout: _Checkout) -> None:
    _python(checkout.root / ".venv" / "bin" / "python", 13)
    (checkout.root / ".venv" / "theirs").touch()
    assert checkout.set_up() == ["requirements.lock", "project"]
    assert (checkout.root / ".venv" / "theirs").exists()


def test_pages_are_built_when_their_sources_change(checkout: _Checkout, tmp_path: Path) -> None:
    checkout.add_pages(tmp_path / "programs")
    assert checkout.set_up()[-2:] == ["npm ci", "build"]
    assert checkout.set_up() == []
    web = checkout.root / "api" / "web"
    (web / "src" / "main.ts").write_text("changed")
    assert checkout.set_up() == ["build"]
    shutil.rmtree(web / "dist")
    assert checkout.set_up() == ["build"]
    (web / "package-lock.json").write_text("changed")
    assert checkout.set_up() == ["npm ci", "build"]


def test_an_old_node_is_passed_over(tmp_path: Path) -> None:
    for folder, version in (("old", "v18.19.0"), ("new", "v20.19.1")):
        _program(tmp_path / folder / "node", f"echo {version}")
        _program(tmp_path / folder / "npm", "true")
    path = f"{tmp_path / 'none'}:{tmp_path / 'old'}:{tmp_path / 'new'}"
    assert run.find_node(path) == tmp_path / "new"
    assert run.find_node(str(tmp_path / "old")) is None


class _Ear(io.StringIO):
    """Standard error that tells when something was said."""

    def __init__(self, awaited: str) -> None:
        super().__init__()
        self._awaited = awaited
        self.heard = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if self._awaited in self.getvalue():
            self.heard.set()
        return written


def test_two_starts_at_once_wait_for_each_other(checkout: _Checkout) -> None:
    ear = _Ear("waiting for another set-up")
    second = threading.Thread(target=checkout.set_up)
    with contextlib.redirect_stderr(ear):
        with (checkout.root / "requirements.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            second.start()
            assert ear.heard.wait(timeout=20)
            assert checkout.calls() == []
        second.join(timeout=20)
    assert checkout.calls() == ["venv", "requirements.lock", "project"]


# --- commands -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ("tollcast", ["up"], False)),
        (["--http.port=9000"], ("tollcast", ["up", "--http.port=9000"], False)),
        (["up", "--json"], ("tollcast", ["up", "--json"], False)),
        (["tollcast", "keys", "main"], ("tollcast", ["keys", "main"], False)),
        (["test", "-k", "x"], ("scripts.test", ["-k", "x"], True)),
        (["check"], ("scripts.check", [], True)),
        (["bench", "meter"], ("scripts.bench", ["meter"], True)),
    ],
)
def test_a_command_is_a_program_and_its_arguments(arguments: list[str], expected: object) -> None:
    assert run.read_command(arguments) == expected


def test_an_unknown_command_ends_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["serve"]) == 1
    assert capsys.readouterr().err == "run: there is no command 'serve'; ./run help lists them\n"


@pytest.mark.parametrize("word", ["help", "--help", "-h"])
def test_help_needs_no_set_up(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main([word]) == 0
    assert "./run test" in capsys.readouterr().out


def test_an_interruption_says_that_the_next_start_carries_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_self: object, _development: bool) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run.SetUp, "run", interrupt)
    assert run.main([]) == 130
    assert "carries on" in capsys.readouterr().err
