import pytest

from components.collect_predictions.collect_predictions import collect_predictions
from components.collect_predictions.component import collect_predictions as component
from components.core.command.run import stage_main
from components.core.errors import DataError
from components.core.figures import Shape
from components.core.geometry import Size
from components.core.project import ClassInfo, Item, ProjectMeta, open_project, write_manifest
from components.core.project.selecting import Shard
from tests.shims import compiled, input_names, output_kinds

META = ProjectMeta("inf", (ClassInfo.with_own_color("untitled_dl", Shape.BITMAP),))


@pytest.fixture
def items():
    return [Item("ds", f"scene{i}", Size(10 + i, 10), tags=("test",)) for i in range(5)]


@pytest.fixture
def source(tmp_path, items):
    write_manifest(tmp_path / "source", META, items)
    return tmp_path / "source"


def parts_of(folder, items, source, count):
    assigned = [Shard(number, count).rows(open_project(source), range(len(items))) for number in range(1, count + 1)]
    for number, rows in enumerate(assigned):
        write_manifest(folder / f"part{number}", META, [items[row] for row in rows])
    return [folder / f"part{number}" for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_parts_give_the_bytes_of_one_step(tmp_path, items, source, count):
    assert collect_predictions(parts_of(tmp_path, items, source, count)[::-1], source, tmp_path / "all") == 5
    for file in ("meta.json", "items-00000.parquet"):
        assert (tmp_path / "all" / file).read_bytes() == (source / file).read_bytes()


def test_scenes_that_were_left_out_stay_out(tmp_path, items, source):
    write_manifest(tmp_path / "part", META, items[1:3])
    assert collect_predictions([tmp_path / "part"], source, tmp_path / "all") == 2
    assert [item.name for item in open_project(tmp_path / "all")] == ["scene1", "scene2"]


def test_a_part_given_twice_is_refused(tmp_path, items, source):
    parts = parts_of(tmp_path, items, source, 2)
    write_manifest(tmp_path / "again", META, items[:1])
    with pytest.raises(DataError, match="give every part once"):
        collect_predictions([*parts, tmp_path / "again"], source, tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_parts_of_another_model_are_refused(tmp_path, items, source):
    parts = parts_of(tmp_path, items, source, 2)
    write_manifest(parts[1], ProjectMeta("inf", (ClassInfo.with_own_color("roof_dl", Shape.BITMAP),)), [])
    with pytest.raises(DataError, match="infer all parts with one model"):
        collect_predictions(parts, source, tmp_path / "all")


def test_an_item_of_another_project_is_refused(tmp_path, source):
    write_manifest(tmp_path / "part", META, [Item("ds", "stranger", Size(1, 1))])
    with pytest.raises(DataError, match="ds/stranger is not in"):
        collect_predictions([tmp_path / "part"], source, tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_no_parts_are_refused(tmp_path, source):
    with pytest.raises(DataError, match="parts: is empty; give the directory of at least one"):
        collect_predictions([], source, tmp_path / "all")


def test_the_command_line(tmp_path, items, source, capsys):
    parts = parts_of(tmp_path, items, source, 2)
    arguments = ["--parts", *map(str, parts), "--project", str(source), "--predictions", str(tmp_path / "all")]
    assert stage_main("collect_predictions", arguments) == 0
    assert capsys.readouterr().out.startswith("5 items, at ")


def test_the_component_is_typed(tmp_path):
    spec = compiled(component, tmp_path)
    assert input_names(spec) == {"parts", "project"}
    assert output_kinds(spec) == {"predictions": "system.Dataset", "metrics": "system.Metrics"}
