"""Where elements go: unions, fan-out, names nobody reads, `null`, several projects."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from components.core.dtl import columns, runner
from components.core.dtl.run import execute_query, predict_query
from components.core.errors import ConfigError
from components.core.project import open_project
from tests.components.core.dtl.projects import house, item, items, meta_after, names, run, write
from tests.queries import choose, data, layer, save, tag


def test_several_sources_are_a_union_and_a_name_goes_to_all_its_readers(tmp_path: Path) -> None:
    project = write(tmp_path, items(2))
    layers = [data(), tag("$all", "$a", "a"), tag("$all", "$b", "b"), save("$a $b $all")]
    found, report = run(layers, project)
    assert names(found) == ["image0", "image0_2", "image0_3", "image1", "image1_2", "image1_3"]
    assert [entry.tags for entry in found] == [("a",), ("b",), ()] * 2
    assert report.read == 2 and report.written == 6
    assert report.received == {0: 2, 1: 2, 2: 2, 3: 6}
    assert report.emitted == {(0, 0): 2, (1, 0): 2, (2, 0): 2}


def test_a_name_written_twice_holds_both(tmp_path: Path) -> None:
    project = write(tmp_path, items(1))
    found, _ = run([data(), tag("$all", "$1", "a"), tag("$all", "$1", "b"), save("$1")], project)
    assert [entry.tags for entry in found] == [("a",), ("b",)]


def test_a_source_named_twice_counts_once(tmp_path: Path) -> None:
    found, _ = run([data(), save("$all $all")], write(tmp_path, items(3)))
    assert len(found) == 3


def test_null_discards_and_an_unread_name_is_dropped(tmp_path: Path) -> None:
    project = write(tmp_path, [*items(2, "a"), *items(3, "b"), *items(1, "c")])
    layers = [
        data(),
        choose("$all", ["$a", "$rest"], regex_names=["^a"]),
        choose("$rest", ["$unread", "null"], regex_names=["^b"]),
        save("$a"),
    ]
    found, report = run(layers, project)
    assert names(found) == ["a0", "a1"]
    assert report.emitted[2, 0] == 3 and report.emitted[2, 1] == 1, "counted though they are dropped"


def test_the_same_condition_on_several_layers_may_discard_the_same_element(tmp_path: Path) -> None:
    layers = [data(), choose("$all", ["$1", "null"], tags=["x"]), choose("$all", ["null", "$2"], tags=["x"])]
    found, _ = run([*layers, save("$1 $2")], write(tmp_path, items(2)))
    assert len(found) == 2


def test_datasets_of_the_result_name_project_and_dataset(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", dataset="north"), item("a", dataset="south")])
    found, _ = run([data(), save("$all")], project)
    assert [entry.key for entry in found] == ["INRIA__north/a", "INRIA__south/a"]


def test_several_projects_each_through_its_own_layer(tmp_path: Path) -> None:
    first = write(tmp_path, [item("a"), item("b", dataset="other")], "A")
    second = write(tmp_path, [item("a")], "B")
    unread = write(tmp_path, [item("c")], "C")
    layers = [data("A/ds", "$a"), data("B/*", "$b"), tag("$a", "$t", "a"), save("$b $t")]
    found, report = run(layers, unread, second, first)
    assert [(entry.key, entry.tags) for entry in found] == [("A__ds/a", ("a",)), ("B__ds/a", ())]
    assert report.read == 2, "A/other and C are not read"


def test_an_image_enters_every_data_layer_that_reads_it(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a"), item("b", dataset="other")])
    layers = [data("INRIA/*", "$1"), data("INRIA/ds", "$2"), tag("$2", "$3", "t"), save("$1 $3")]
    found, _ = run(layers, project)
    assert [(entry.key, entry.tags) for entry in found] == [
        ("INRIA__ds/a", ()),
        ("INRIA__ds/a_2", ("t",)),
        ("INRIA__other/b", ()),
    ]


def test_one_data_layer_may_list_several_datasets(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", dataset=name) for name in ("x", "y", "z")])
    found, _ = run([data("INRIA/x INRIA/z"), save("$all")], project)
    assert [entry.dataset for entry in found] == ["INRIA__x", "INRIA__z"]


@pytest.mark.parametrize("kind", ["tag", "multiply"])
@pytest.mark.parametrize("dry", [False, True])
def test_a_query_that_makes_too_many_items_of_one_image_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, dry: bool
) -> None:
    monkeypatch.setattr(runner, "MOST_ELEMENTS", 100)
    monkeypatch.setattr(columns, "MOST_ELEMENTS", 100)
    place = write(tmp_path, [item("a"), item("b")])
    settings = {"tag": "t", "action": "delete"} if kind == "tag" else {"multiply": 1}
    layers = [data("INRIA/*", "$0")]
    for step in range(60):
        layers.append(layer(kind, f"${step}", f"$other{step}", **settings))
        layers.append(layer(kind, f"${step} $other{step}", f"${step + 1}", **settings))
    layers.append(save("$60", "NEW"))
    message = r"query\[14\]: makes more than 100 items of the one image 'INRIA/ds/a'; use .* \(action `" + kind
    with pytest.raises(ConfigError, match=message):
        if dry:
            predict_query(json.dumps(layers), [place])
        else:
            execute_query(json.dumps(layers), [place], tmp_path / "new", max_bad=None)
    assert not (tmp_path / "new").exists()


def test_many_rows_that_each_become_few_are_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MOST_ELEMENTS", 100)
    place = write(tmp_path, [item(f"a{number}") for number in range(150)])
    ran = execute_query(json.dumps([data(), tag("$all", "$1", "t"), save("$1", "NEW")]), [place], tmp_path / "new")
    assert ran.result.written == ran.result.read == 150


def test_projects_that_are_not_given_or_given_twice(tmp_path: Path) -> None:
    first, second = write(tmp_path / "1", items(1)), write(tmp_path / "2", items(1))
    with pytest.raises(ConfigError, match=r"query\[0\]\.src\[1\]: project 'B' is not given; given: INRIA"):
        run([data("INRIA/* B/ds"), save("$all")], first)
    with pytest.raises(ConfigError, match="project 'INRIA' is given twice"):
        run([data(), save("$all")], first, second)


@pytest.mark.parametrize("dry", [False, True])
def test_a_dataset_that_is_not_there_is_refused(tmp_path: Path, dry: bool) -> None:
    project = write(tmp_path, [item("a"), item("b", dataset="west"), item("c", dataset="west")])
    with pytest.raises(ConfigError) as caught:
        run([data("INRIA/west INRIA/wset"), save("$all")], project, dry=dry)
    assert str(caught.value) == (
        "query[0].src[1]: project 'INRIA' has no item in a dataset 'wset'; its datasets are ds, west, "
        "and INRIA/* takes all (action `data`)"
    )


def test_a_project_without_items_beside_another_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    places = write(tmp_path, items(1)), write(tmp_path, [], "EMPTY")
    found, _ = run([data(), data("EMPTY/ds", "$none"), save("$all $none")], *places)
    assert len(found) == 1
    assert "query[1]: there is no item in EMPTY/ds" in caplog.text


def test_names_stay_unique_even_where_a_source_is_called_like_a_copy(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a"), item("a_2")])
    layers = [data(), tag("$all", "$1", "t"), save("$all $1")]
    found = names(run(layers, project)[0])
    assert found == ["a", "a_2", "a_2_2", "a_2_3"]


def test_everything_that_an_item_carries_comes_through(tmp_path: Path) -> None:
    kept = replace(
        item("a", house(tags=("roof",), description="tiled"), tags=("old", "old")),
        description="of Austin",
        rasters={"confidence": "c.tif"},
        extra={"weather": ["fair"]},
    )
    (found,), _ = run([data(), save("$all")], write(tmp_path / "saved", [kept]))
    assert found.rasters == kept.rasters
    (found,), _ = run([data(), layer("flip", "$all", "$1", axis="vertical"), save("$1")], write(tmp_path, [kept]))
    assert (found.tags, found.description, found.extra) == (kept.tags, kept.description, kept.extra)
    assert found.rasters == {}, "a raster does not lie on a mirrored item any more"
    assert found.objects[0].tags == ("roof",) and found.objects[0].description == "tiled"


def test_the_result_is_called_like_the_save_layers_destination(tmp_path: Path) -> None:
    meta = meta_after([data(), save("$all", "INRIA_train")], write(tmp_path, items(1)))
    assert meta.name == "INRIA_train" and meta.titles == ("house", "shed", "car")


def test_a_query_never_writes_over_what_it_reads(tmp_path: Path) -> None:
    project = write(tmp_path, items(2))
    query = json.dumps([data(), save("$all")])
    for output in (project, tmp_path, project / "below"):
        with pytest.raises(ConfigError, match="give another directory"):
            execute_query(query, [project], output)
    assert len(open_project(project)) == 2
