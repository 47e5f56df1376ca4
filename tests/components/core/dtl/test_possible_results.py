"""What is said of a query without images is so for any: compared with what images make of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.documents.tutorial import CROP_AUGMENT_QUERY, SPLIT_TAGGING_QUERY
from components.core.dtl.dry_run import Followed, follow
from components.core.dtl.graph import build_query
from components.core.dtl.possible import Possible
from components.core.errors import ConfigError
from components.core.project import ProjectMeta
from tests.components.core.dtl.projects import META, house, item, run, write
from tests.queries import choose, data, save, tag

INRIA = Possible(META)


def followed(*layers: Any, entering: Possible = INRIA) -> Followed:
    return follow(build_query(list(layers)), {entering.meta.name: entering})


def tags_of(possible: Possible | None) -> tuple[set[str], set[str]]:
    assert possible is not None
    return set(possible.perhaps), set(possible.surely)


def test_tags_are_those_of_the_branches_that_are_saved() -> None:
    layers = [data(), tag("$all", "$a", "a"), tag("$a", "$b", "b"), tag("$a", "$c", "c"), tag("$all", "$d", "lost")]
    found = followed(*layers, save("$a $b $c"))
    assert tags_of(found.result) == ({"a", "b", "c"}, {"a"})
    assert found.meta.name == "RESULT"
    assert found.meta.titles == META.titles


def test_a_deleted_tag_is_on_no_image_for_sure_and_may_still_be_on_some() -> None:
    layers = [data(), tag("$all", "$1", "a"), tag("$1", "$2", "a"), tag("$2", "$3", "a", "delete"), save("$3")]
    assert tags_of(followed(*layers).result) == ({"a"}, set())


def test_a_tag_that_no_image_carries_lets_nothing_pass() -> None:
    layers = [data(), tag("$all", "$1", "train"), choose("$1", ["$2", "null"], tags=["trainval"]), save("$2")]
    found = followed(*layers)
    assert found.result is None
    assert found.why_nothing() == "query[2]: no image meets `tags trainval`; tags there are 'train'"
    assert found.meta.name == "RESULT"


def test_both_ways_of_a_condition_on_tags() -> None:
    known = replace(INRIA, perhaps=frozenset({"a", "b"}), surely=frozenset({"a"}))
    layers = [data(), choose("$all", ["$yes", "$no"], tags=["b"]), tag("$yes", "$1", "yes"), tag("$no", "$2", "no")]
    assert tags_of(followed(*layers, save("$1"), entering=known).result) == ({"a", "b", "yes"}, {"a", "b", "yes"})
    assert tags_of(followed(*layers, save("$2"), entering=known).result) == ({"a", "no"}, {"a", "no"})
    always = [data(), choose("$all", ["$yes", "$no"], tags=["a"]), save("$no")]
    assert followed(*always, entering=known).result is None


@pytest.mark.parametrize(("chance", "name"), [(0.0, "$yes"), (1.0, "$no")])
def test_chances_that_leave_nothing_to_chance(chance: float, name: str) -> None:
    found = followed(data(), choose("$all", ["$yes", "$no"], probability=chance), save(name))
    assert found.result is None


def test_names_decide_where_they_are_known() -> None:
    layers = [data(), choose("$all", ["$1", "null"], regex_names=["^austin[0-9]+$"]), save("$1")]
    assert followed(*layers).result is not None, "names are not known"
    towns = replace(INRIA, names=frozenset({"austin1", "town7"}))
    assert followed(*layers, entering=towns).result == replace(
        towns, names=frozenset({"austin1"}), meta=replace(META, name="RESULT")
    )
    mine = followed(*layers, entering=replace(INRIA, names=frozenset(f"town{number}" for number in range(7))))
    assert mine.result is None
    assert mine.why_nothing() == (
        "query[1]: no image meets `regex_names ^austin[0-9]+$`; names there are 'town0', 'town1', 'town2', 'town3', "
        "'town4' …"
    )


def test_classes_that_are_not_there() -> None:
    layers = [data(mapping={"house": "roof", "shed": "__ignore__", "car": "__ignore__"})]
    layers += [choose("$all", ["$1", "null"], include_classes=["house"]), save("$1")]
    found = followed(*layers)
    assert found.result is None
    assert found.why_nothing().endswith("classes there are 'roof'")


def test_mappings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"query\[0\].settings.classes_mapping: class 'shed'"):
        followed(data(mapping={"house": "roof"}), save("$all"))


def test_the_tutorials_queries_go_together() -> None:
    tagging, cropping = (
        build_query(json.loads(file.read_text())) for file in (SPLIT_TAGGING_QUERY, CROP_AUGMENT_QUERY)
    )
    tagged = follow(tagging, {"INRIA": Possible(replace(META, tags_images=()))})
    assert tags_of(tagged.result) == (
        {"austin", "chicago", "kitsap", "tyrol-w", "vienna", "trainval", "test"},
        set(),
    )
    assert tagged.result is not None
    crops = follow(cropping, {"INRIA_TAGGED": tagged.result})
    assert crops.result is not None and crops.shut == ()
    assert {"train", "val"} <= crops.result.perhaps
    assert "trainval" in crops.result.surely


CONDITIONS: list[dict[str, Any]] = [
    {"tags": ["a"]},
    {"tags": ["a", "b"]},
    {"probability": 0.5},
    {"probability": 0.0},
    {"regex_names": ["1"]},
    {"include_classes": ["shed"]},
    {"include_classes": ["tree"]},
]

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from("abc")),
        st.tuples(st.just("delete"), st.sampled_from("abc")),
        st.tuples(st.sampled_from(["yes", "no", "both"]), st.sampled_from(CONDITIONS)),
    ),
    max_size=7,
)


@given(steps=STEPS)
def test_no_image_does_what_is_said_to_be_impossible(
    steps: list[tuple[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    layers = [data("INRIA/*", "$0")]
    for number, (what, argument) in enumerate(steps):
        before, after = f"${number}", f"${number + 1}"
        if what in ("add", "delete"):
            layers.append(tag(before, after, argument, what))
        else:
            ways = {"yes": [after, "null"], "no": ["null", after], "both": [after, f"$x{number}"]}[what]
            layers.append(choose(before, ways, **argument))
            if what == "both":
                layers.append(tag(f"$x{number}", after, "b"))
    layers.append(save(f"${len(steps)}"))
    entries = [item("image1", house()), item("image2", house(title="shed")), item("other", house(), tags=["a"])]
    project = write(tmp_path_factory.mktemp("p"), entries)

    found, _ = run(layers, project)

    known = Possible(META, frozenset({"a"}), frozenset(), frozenset({"image1", "image2", "other"}))
    said = followed(*layers, entering=known)
    assert said.meta == ProjectMeta("RESULT", said.meta.classes, said.meta.tags_images)
    if said.result is None:
        assert not found
    for entry in found:
        assert said.result is not None
        assert said.result.surely <= set(entry.tags) <= said.result.perhaps
