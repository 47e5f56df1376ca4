"""What is imported: each time by a new interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping

TELL = "json.dump(sorted(sys.modules), open(told, 'w'))"

IMPORT = f"""
import importlib, json, sys
told, module = sys.argv[1:]
importlib.import_module(module)
{TELL}
"""

COMMAND = f"""
import json, runpy, sys
told, module, *arguments = sys.argv[1:]
sys.argv[1:] = arguments
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
finally:
    {TELL}
"""


def imported_by(module: str, env: Mapping[str, str] | None = None) -> frozenset[str]:
    """The modules that are there once one has been imported."""
    return _modules_after(IMPORT, [module], env)


def imported_by_command(
    module: str, *arguments: str, env: Mapping[str, str] | None = None, status: int = 0
) -> frozenset[str]:
    """The modules that are there when `python -m MODULE ARGUMENTS` has ended, with an exit status."""
    return _modules_after(COMMAND, [module, *arguments], env, status)


def _modules_after(code: str, arguments: list[str], env: Mapping[str, str] | None, status: int = 0) -> frozenset[str]:
    with tempfile.NamedTemporaryFile() as told:
        command = [sys.executable, "-c", code, told.name, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=env)
        assert done.returncode == status, done.stderr
        return frozenset(json.load(told))
