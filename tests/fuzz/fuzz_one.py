"""Fuzzes one target with atheris: `python -m tests.fuzz.fuzz_one MODULE NAME [ARGUMENT...]`.

The arguments are libFuzzer's.
"""

import importlib
import sys

import atheris

from tests.fuzz.target import Target

if __name__ == "__main__":
    _, module, name, *arguments = sys.argv
    # Only what is imported in here tells the fuzzer which way an input took.
    with atheris.instrument_imports(include=["media", "ingest", "config", "api", "tests"]):
        targets: tuple[Target, ...] = importlib.import_module(module).TARGETS
    (target,) = (one for one in targets if one.name == name)
    atheris.Setup([name, f"-max_len={target.bytes_max}", *arguments], target.check)
    atheris.Fuzz()
