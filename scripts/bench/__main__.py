"""Runs benchmarks: `python -m scripts.bench [NAME...]`, all of them when none is named."""

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from types import ModuleType

import scripts.bench
from scripts.bench.figures import Figure, Skipped

_NOT_BENCHMARKS = frozenset({"__main__", "figures"})


def benchmarks() -> list[str]:
    """The names of all benchmarks: the modules next to this one that have a `run`."""
    found = sorted(module.name for module in pkgutil.iter_modules(scripts.bench.__path__))
    return [name for name in found if name not in _NOT_BENCHMARKS and hasattr(_module(name), "run")]


def main(names: Sequence[str]) -> int:
    """Run the named ones and print their lines; 1 when one falls short, 2 when there is no such."""
    known = benchmarks()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    results: list[Figure | Skipped] = []
    for name in names or known:
        for result in _module(name).run():
            print(result.line(), flush=True)
            results.append(result)
    return 0 if all(result.ok for result in results) else 1


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"scripts.bench.{name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
