"""Run benchmarks: `python -m tests.benchmarks [name …] [--repeats N]`."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import ModuleType

import tests.benchmarks as here
from components.core.cli import argument_parser, configure_logging
from tests.benchmarks.harness import machine, save, table


def benchmarks() -> dict[str, ModuleType]:
    """Every benchmark of this package, by its name."""
    names = (found.name for found in pkgutil.iter_modules(here.__path__) if found.name.startswith("bench_"))
    modules = (importlib.import_module(f"{here.__name__}.{name}") for name in sorted(names))
    return {module.NAME: module for module in modules}


def main() -> int:
    """Run those that were named, or all; gives the exit status."""
    known = benchmarks()
    parser = argument_parser("python -m tests.benchmarks", "Measure, print a table, and write build/bench/<name>.json.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(known)}; all where none is named")
    parser.add_argument("--repeats", type=int, default=5, help="how often each thing is measured")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - known.keys())
    if unknown or options.repeats < 1:
        parser.error(
            f"unknown benchmark {unknown[0]}; known: {', '.join(known)}" if unknown else "--repeats is below 1"
        )
    configure_logging()
    for name in options.names or known:
        host = machine()
        measured = known[name].run(options.repeats)
        file = save(name, measured, host)
        sys.stdout.write(f"\n{name}: {host['processor']}, {host['cores']} cores → {file}\n{table(measured)}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
