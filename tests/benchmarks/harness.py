"""Honest numbers: the machine, the versions, every repeat, the median and the spread.

A benchmark is a module `bench_<what>.py` with `NAME` and `run(repeats) -> list[Measurement]`.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "onnxruntime", "opencv-python-headless", "openvino", "pyarrow", "rasterio", "shapely", "torch")

RESULTS = Path("build/bench")

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Measurement:
    """One thing measured several times.

    Attributes:
        what: In words that stand alone, sizes included.
        unit: Of the values, such as "s", "windows/s" or "MiB".
        values: One a repeat.
        target: What is to be reached, as it is written; empty for none.
        reached: Whether the median reaches it; None where there is no target.
        notes: Further facts, such as counts and settings.
    """

    what: str
    unit: str
    values: tuple[float, ...]
    target: str = ""
    reached: bool | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def at_most(cls, what: str, unit: str, values: Sequence[float], most: float, **notes: Any) -> Measurement:
        """Something that is to stay below a bound."""
        return cls(what, unit, tuple(values), f"≤ {most:g}", statistics.median(values) <= most, notes)

    @classmethod
    def at_least(cls, what: str, unit: str, values: Sequence[float], least: float, **notes: Any) -> Measurement:
        """Something that is to stay above a bound."""
        return cls(what, unit, tuple(values), f"≥ {least:g}", statistics.median(values) >= least, notes)

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    def as_json(self) -> dict[str, Any]:
        """Everything, with median, least and greatest value."""
        return {
            "what": self.what,
            "unit": self.unit,
            "median": self.median,
            "min": min(self.values),
            "max": max(self.values),
            "values": list(self.values),
            "target": self.target,
            "reached": self.reached,
            "notes": self.notes,
        }


def seconds(work: Callable[[], object], repeats: int, warm_up: int = 1) -> list[float]:
    """Wall time of some work, after as many runs that do not count."""
    taken = []
    for repeat in range(warm_up + repeats):
        started = time.perf_counter()
        work()
        if repeat >= warm_up:
            taken.append(time.perf_counter() - started)
    return taken


@contextmanager
def one_core() -> Iterator[int]:
    """Keep this process, and the threads it starts, on one core where the system can; gives the core, or -1."""
    if not hasattr(os, "sched_setaffinity"):
        yield -1
        return
    before = os.sched_getaffinity(0)
    core = max(before)
    os.sched_setaffinity(0, {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, before)


def peak_memory_mib() -> float:
    """The most memory this program has held, in MiB; it never falls, so measure in a process of its own.

    Where the system tells, the program alone counts: a new process's resource usage starts at its parent's.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MEBIBYTE if sys.platform == "darwin" else peak / 1024


def machine() -> dict[str, Any]:
    """What the numbers were taken on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "commit": _commit(),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def save(name: str, measured: Sequence[Measurement], host: dict[str, Any], results: Path = RESULTS) -> Path:
    """Write one benchmark's numbers as JSON."""
    file = results / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    data = {"name": name, "machine": host, "measurements": [entry.as_json() for entry in measured]}
    file.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def table(measured: Sequence[Measurement]) -> str:
    """The numbers as lines of text."""
    head = ("what", "median", "least … greatest", "unit", "target", "")
    mark = {True: "reached", False: "MISSED", None: ""}
    rows = [
        (
            entry.what,
            f"{entry.median:.4g}",
            f"{min(entry.values):.4g} … {max(entry.values):.4g}",
            entry.unit,
            entry.target,
            mark[entry.reached],
        )
        for entry in measured
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    )
