import pytest

from components.core.command.run import stage_main
from components.core.errors import ConfigError, DataError
from components.core.geometry import Size
from components.core.project import Item, ProjectMeta, write_manifest
from components.plan_shards.component import plan_shards as component
from components.plan_shards.plan_shards import plan_shards
from tests.shims import compiled, input_names


@pytest.fixture
def project(tmp_path):
    items = [Item("ds", f"scene{i}", Size(10, 10), tags=("test",) if i < 3 else ("trainval",)) for i in range(5)]
    write_manifest(tmp_path / "p", ProjectMeta("P", tags_images=("test", "trainval")), items)
    return tmp_path / "p"


def test_there_are_never_more_shards_than_images(project):
    assert plan_shards(project, max_shards=2) == ["1/2", "2/2"]
    assert plan_shards(project, max_shards=8) == ["1/3", "2/3", "3/3"]
    assert plan_shards(project, image_tags=[], max_shards=8) == [f"{i}/5" for i in range(1, 6)]


def test_no_image_and_no_shard_are_errors(project):
    with pytest.raises(DataError, match="'nowhere'"):
        plan_shards(project, image_tags=["nowhere"])
    with pytest.raises(ConfigError, match="max_shards: 0 is below 1"):
        plan_shards(project, max_shards=0)
    with pytest.raises(ConfigError, match=r"max_shards: 65 is above 64, .* what Argo holds \(1 MiB\)"):
        plan_shards(project, max_shards=65)


def test_the_command_line_prints_a_line_a_shard(project, capsys):
    assert stage_main("plan_shards", ["--project", str(project), "--max-shards", "2"]) == 0
    assert capsys.readouterr().out == "1/2\n2/2\n"


def test_the_component_has_one_list_output_for_the_fan_out(tmp_path):
    spec = compiled(component, tmp_path)
    assert input_names(spec) == {"project", "image_tags", "max_shards"}
    (entry,) = spec["components"].values()
    assert entry["outputDefinitions"]["parameters"]["Output"]["parameterType"] == "LIST"
