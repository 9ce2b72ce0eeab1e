"""Fuzzes one target with atheris: `python -m tests.fuzz.fuzz_one NAME [LIBFUZZER ARGUMENT...]`."""

import sys

import atheris

# Only what is imported in here tells the fuzzer which way an input took.
with atheris.instrument_imports(include=["media", "ingest", "config"]):
    from tests.fuzz.targets import TARGETS


if __name__ == "__main__":
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], f"-max_len={target.bytes_max}", *sys.argv[2:]], target.check)
    atheris.Fuzz()
