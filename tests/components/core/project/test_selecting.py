import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import ConfigError, DataError
from components.core.geometry import Size
from components.core.project import Item, ProjectMeta, open_project, write_manifest
from components.core.project.selecting import Shard, choose_items


def project_of(folder, heights, tags=("test",)):
    items = [Item("ds", f"scene{i}", Size(height, 10), tags=tuple(tags)) for i, height in enumerate(heights)]
    write_manifest(folder, ProjectMeta("P", tags_images=tuple(tags)), items)
    return open_project(folder)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=12), st.integers(1, 6))
def test_shards_hold_every_item_once_and_keep_the_order(tmp_path_factory, heights, count):
    project = project_of(tmp_path_factory.mktemp("p") / "p", heights)
    rows = list(range(len(heights)))
    assigned = [Shard(number, count).rows(project, rows) for number in range(1, count + 1)]
    assert sorted(row for part in assigned for row in part) == rows
    assert all(part == sorted(part) for part in assigned)


def test_shards_are_balanced_by_pixels(tmp_path):
    project = project_of(tmp_path / "p", [100, 10, 10, 10, 30, 40])
    assigned = [Shard(number, 2).rows(project, range(6)) for number in (1, 2)]
    assert [sum([100, 10, 10, 10, 30, 40][row] for row in part) for part in assigned] == [100, 100]


def test_only_chosen_rows_are_assigned(tmp_path):
    project = project_of(tmp_path / "p", [5, 6, 7, 8])
    assert sorted(Shard(1, 2).rows(project, [1, 3]) + Shard(2, 2).rows(project, [1, 3])) == [1, 3]


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2"])
def test_a_malformed_shard_is_refused(text):
    with pytest.raises(ConfigError, match="not of the form number/count"):
        Shard.parse(text)


def test_a_shard_is_written_as_it_is_read():
    assert str(Shard.parse("2/5")) == "2/5"


def test_items_are_chosen_by_any_of_the_tags(tmp_path):
    items = [Item("ds", name, Size(1, 1), tags=tags) for name, tags in (("a", ("x",)), ("b", ("y", "z")), ("c", ()))]
    write_manifest(tmp_path / "p", ProjectMeta("P", tags_images=("x", "y", "z")), items)
    project = open_project(tmp_path / "p")
    assert choose_items(project, ["x", "z"]) == [0, 1]
    assert choose_items(project, []) == [0, 1, 2]
    with pytest.raises(DataError, match=r"tags there: 'x' \(1\), 'y' \(1\), 'z' \(1\)"):
        choose_items(project, ["w"])
