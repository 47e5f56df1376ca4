"""What killed runs leave is removed by later ones, and what living ones fill never is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.core.storage import scratch_folder, staged_file, write_bytes
from components.core.storage.atomic_directory import staged_directory
from components.core.storage.workspaces import EXCHANGE_S, UNTOUCHED_S, clear_dead, is_partial, workspace

HOLD = """
    import sys
    from pathlib import Path
    from components.core.storage.atomic_directory import staged_directory
    from components.core.storage import scratch_folder, staged_file
    stages = {"file": staged_file, "directory": staged_directory, "scratch": lambda _: scratch_folder("work")}
    with stages[sys.argv[1]](sys.argv[2]) as made:
        (made / "half" if made.is_dir() else made).write_text("half")
        print("ready", flush=True)
        sys.stdin.read()
"""


@contextmanager
def holder(kind: str, target: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is in the middle of making something."""
    command = [sys.executable, "-c", textwrap.dedent(HOLD), kind, str(target)]
    environment = os.environ | {"TMPDIR": str(target.parent)}
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=environment) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def partial_in(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if is_partial(entry.name)]


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    for entry in (*path.rglob("*"), path):
        os.utime(entry, (then, then))


def renamed(folder: Path) -> Path:
    """A workspace as another machine would have named it."""
    stem, number, _ = folder.name.rsplit(".", 2)
    other = f"{int(number[:8], 16) ^ 1:08x}{number[8:]}"
    return folder.rename(folder.with_name(f"{stem}.{other}.part"))


@pytest.mark.parametrize("kind", ["file", "directory", "scratch"])
def test_what_a_living_process_fills_stays_and_a_killed_ones_goes(tmp_path: Path, kind: str) -> None:
    with holder(kind, tmp_path / "target") as process:
        (folder,) = partial_in(tmp_path)
        age(folder, 2 * UNTOUCHED_S)
        assert clear_dead(tmp_path) == 0
        assert partial_in(tmp_path) == [folder]
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert partial_in(tmp_path) == [folder]
        assert clear_dead(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_a_later_run_clears_up_by_itself(tmp_path: Path, kind: str) -> None:
    with holder(kind, tmp_path / "target") as process:
        process.kill()
    assert len(partial_in(tmp_path)) == 1
    write_bytes(tmp_path / "other.json", b"{}")
    assert [path.name for path in tmp_path.iterdir()] == ["other.json"]


def test_a_process_does_not_clear_up_after_itself_while_it_works(tmp_path: Path) -> None:
    with staged_file(tmp_path / "a.bin") as first, staged_directory(tmp_path / "b") as second, workspace(tmp_path, "c"):
        first.write_bytes(b"a")
        (second / "b").write_bytes(b"b")
        assert clear_dead(tmp_path) == 0
    assert (tmp_path / "a.bin").read_bytes() + (tmp_path / "b" / "b").read_bytes() == b"ab"


def test_clearing_up_takes_no_workspace_that_is_being_made(tmp_path: Path) -> None:
    """Threads and processes clear up at any moment, also between the making of a folder and its lock."""
    ends = threading.Event()

    def clear() -> None:
        while not ends.is_set():
            clear_dead(tmp_path)

    clearers = [threading.Thread(target=clear) for _ in range(2)]
    for thread in clearers:
        thread.start()
    try:
        for number in range(300):
            with workspace(tmp_path, "result") as folder:
                (folder / "file").write_text(str(number))
                assert (folder / "file").read_text() == str(number)
    finally:
        ends.set()
        for thread in clearers:
            thread.join()
    assert not list(tmp_path.iterdir())


def test_of_another_machines_only_age_tells(tmp_path: Path) -> None:
    with holder("file", tmp_path / "target") as process:
        process.kill()
    folder = renamed(partial_in(tmp_path)[0])
    age(folder, UNTOUCHED_S - 3600)
    assert clear_dead(tmp_path) == 0
    age(folder, UNTOUCHED_S + 3600)
    (folder / "target").write_text("more of it")  # something in it was changed just now
    assert clear_dead(tmp_path) == 0
    age(folder, UNTOUCHED_S + 3600)
    assert clear_dead(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_files_that_earlier_releases_left_go_when_they_are_old(tmp_path: Path) -> None:
    left = tmp_path / f".austin1.{'0' * 32}.part.tif"
    left.write_bytes(b"half")
    assert clear_dead(tmp_path) == 0
    age(left, UNTOUCHED_S + 3600)
    assert clear_dead(tmp_path) == 1


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    names = (".git", ".cache.abcdef12", "a.part", f".a.{'0' * 31}.part")
    for name in names:
        (tmp_path / name).mkdir()
        age(tmp_path / name, 2 * UNTOUCHED_S)
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / f".b.{'0' * 32}.part").symlink_to(outside)
    clear_dead(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} >= {*names, "outside"}


KILLED_BETWEEN = """
    import os, signal, sys
    from components.core.storage.atomic_directory import staged_directory
    def die(name, arguments):
        if name == "os.rename" and str(arguments[1]) == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGKILL)
    with staged_directory(sys.argv[1]) as made:
        (made / "new").write_text("new")
        sys.addaudithook(die)
"""


def kill_between(target: Path) -> Path:
    """Kill a process when the old directory has made way, and the new one has not taken its place."""
    target.mkdir()
    (target / "old").write_text("old")
    subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED_BETWEEN), str(target)], check=False)
    assert not target.exists()
    (folder,) = partial_in(target.parent)
    return folder


def test_a_directory_that_made_way_for_nothing_comes_back(tmp_path: Path) -> None:
    target = tmp_path / "model"
    kill_between(target)
    assert clear_dead(tmp_path) == 1
    assert [path.name for path in target.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [target]


def test_it_comes_back_before_it_is_replaced_again(tmp_path: Path) -> None:
    target = tmp_path / "model"
    kill_between(target)
    with pytest.raises(ValueError, match="fails"), staged_directory(target):
        assert (target / "old").read_text() == "old"
        raise ValueError("fails")
    assert (target / "old").read_text() == "old"


def test_it_comes_back_from_another_machine_that_is_done_with_it(tmp_path: Path) -> None:
    target = tmp_path / "model"
    folder = renamed(kill_between(target))
    clear_dead(tmp_path)
    assert not target.exists(), "the other machine may be between its two renames"
    age(folder, 2 * EXCHANGE_S)
    clear_dead(tmp_path)
    assert (target / "old").read_text() == "old"


def test_it_does_not_come_back_where_there_is_a_new_one(tmp_path: Path) -> None:
    target = tmp_path / "model"
    kill_between(target)
    target.mkdir()
    (target / "newer").write_text("newer")
    assert clear_dead(tmp_path) == 1
    assert [path.name for path in target.iterdir()] == ["newer"]


def test_names_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    for name in ("a" * 251 + ".bin", "航" * 83 + ".bin"):
        with staged_file(tmp_path / name) as made:
            made.write_bytes(b"made")
        assert (tmp_path / name).read_bytes() == b"made"
        (tmp_path / name).unlink()
        with staged_directory(tmp_path / name) as aside:
            (aside / "a").write_bytes(b"made")
        assert (tmp_path / name / "a").read_bytes() == b"made"


def test_scratch_is_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with scratch_folder("work") as folder:
        (folder / "a").write_text("a")
        assert folder.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == []
