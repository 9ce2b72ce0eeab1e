"""What a serving process is made of."""

import subprocess
import sys

import pytest

_ABSENT = ("aiohttp", "asyncpg", "av", "cryptography", "pydantic", "stellar_sdk")


@pytest.mark.process
def test_it_is_small_because_it_imports_no_more_than_it_needs() -> None:
    code = f"import sys, api.serving.serving_side; print({{*{_ABSENT}}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"
