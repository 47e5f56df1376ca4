import numpy as np
import pytest

from components.core.collection.plan import DetectionReason
from components.core.geometry import Size
from components.core.project.history import StageRun
from components.core.reporting.detail import Panel
from components.core.reporting.tables import MOST_ROWS
from components.core.skip_budget import Skipped
from components.publish_collection.pictures import ScenePicture
from components.publish_collection.report import run_summary_page
from components.publish_collection.summary import (
    Changes,
    DoneScene,
    LayerTotals,
    RunSummary,
    scenes_to_show,
    stage_totals,
)
from tests.components.core.reporting.looking import faults_of, tags_of, text_of

EVIL = '2026/<script>alert("x")</script>.tif'


def scene(number: int, **changes: object) -> DoneScene:
    values = {
        "key": f"2026/scene{number}.tif",
        "why": DetectionReason.NEW,
        "size": Size(1000, 1000 + number),
        "footprints": 10,
        "area_m2": 1234.5,
        "confidence": 0.876,
        "place": f"scenes/scene{number}-01/ab.cd",
    }
    return DoneScene(**values | changes)  # type: ignore[arg-type]


def summary(**changes: object) -> RunSummary:
    values = {
        "name": "run-7",
        "images_uri": "s3://imagery/2026",
        "output_uri": "s3://footprints/all",
        "model_uri": "s3://models/m",
        "model": "feed" * 16,
        "detector": "543210fedcba",
        "scenes": (),
        "failed": (),
        "skipped": (),
        "up_to_date": 0,
        "waiting": 0,
        "retired": 0,
        "stages": (),
        "before": None,
        "after": LayerTotals(0, 0, 0.0),
    }
    return RunSummary(**values | changes)  # type: ignore[arg-type]


def test_the_page_tells_what_was_done() -> None:
    html = run_summary_page(
        summary(
            scenes=(scene(1), scene(2, why=DetectionReason.CHANGED, changes=Changes(3, 1, 4))),
            up_to_date=1230,
            retired=5,
            before=LayerTotals(1230, 20_000, 2e6),
            after=LayerTotals(1227, 19_990, 2.5e6),
        )
    )

    text = text_of(html)
    assert "2 scenes published, none failed." in text
    assert "scenes published 2 1 new, 1 changed" in text
    assert "imagery 2.0 megapixels" in text
    assert "up to date 1 230 scenes done before" in text and "retired 5" in text
    assert "s3://footprints/all" in text and "feed" * 16 in text
    assert "buildings 20 000 19 990 −10" in text and "their area, m² 2 000 000 2 500 000 +500 000" in text
    assert "In 1 scene that had been done before, 3 are new, 1 gone and 4 changed." in text
    assert "waiting" not in text and "Failed" not in text
    assert not faults_of(html)


def test_scenes_are_listed_the_largest_first() -> None:
    scenes = (scene(1), scene(3, changes=Changes(3, 1, 4)), scene(2, confidence=None))

    text = text_of(run_summary_page(summary(scenes=scenes)))

    assert text.index("scene3.tif") < text.index("scene2.tif") < text.index("scene1.tif")
    assert "2026/scene3.tif scenes/scene3-01/ab.cd new 1000×1003 1.0 10 1 234 0.88 3 1 4" in text
    assert "2026/scene2.tif scenes/scene2-01/ab.cd new 1000×1002 1.0 10 1 234 – – – –" in text


def test_columns_that_no_scene_has_are_left_out() -> None:
    text = text_of(run_summary_page(summary(scenes=(scene(1, confidence=None),))))

    assert "confidence new" not in text and "gone" not in text.split("The largest first.")[1].split("image,")[1]


def test_long_tables_are_cut_and_say_so() -> None:
    many = tuple(scene(number) for number in range(MOST_ROWS + 34))
    failed = tuple(Skipped(f"f{number:04d}", "why", "import_images") for number in range(MOST_ROWS + 1))

    html = run_summary_page(summary(scenes=many, failed=failed))

    text = text_of(html)
    assert "The first 200 of 234 scenes." in text and "The first 200 of 201 scenes." in text
    assert "f0199" in text and "f0200" not in text
    assert "scene34.tif" in text and "scene33.tif" not in text
    assert "scenes published 234" in text


def test_nothing_new_is_good_news() -> None:
    same = LayerTotals(1234, 9, 1.0)
    html = run_summary_page(summary(up_to_date=1234, before=same, after=same))

    text = text_of(html)
    assert "Nothing new: 1 234 scenes are up to date." in text
    assert "megapixels" not in text and "Failed" not in text and "Speed" not in text
    assert "buildings 9 9 0" in text
    assert not faults_of(html)


def test_where_nothing_is_new_the_page_says_what_else_there_is() -> None:
    skipped = (Skipped("c.tif", "has no CRS", "plan_imagery"),)
    idle = (StageRun("publish_collection", 0, 0.0, 0.1, ()),)

    text = text_of(run_summary_page(summary(up_to_date=2, retired=1, waiting=3, skipped=skipped, stages=idle)))

    assert (
        "Nothing new: 2 scenes are up to date, 1 is gone, 1 is not usable, 3 are done with another model or settings."
        in text
    )
    assert "waiting 3 done with another model or settings; redo: all does them again" in text
    assert "Speed" not in text


def test_where_all_failed_the_reasons_come_first() -> None:
    failed = (Skipped("a.tif", "no memory", "infer_windows"), Skipped("b.tif", "broken", "import_images"))
    skipped = (Skipped("c.tif", "has no CRS", "plan_imagery"),)

    html = run_summary_page(summary(failed=failed, skipped=skipped))

    text = text_of(html)
    assert "Nothing was published: 2 scenes failed." in text
    assert text.index("b.tif import_images broken") < text.index("a.tif infer_windows no memory")
    assert text.index("no memory") < text.index("What was done") < text.index("c.tif plan_imagery has no CRS")
    assert "failed 2 scenes" in text and "not usable 1 images" in text


def test_shards_of_a_stage_are_summed() -> None:
    stages = (
        StageRun("import_images", 2, 100.0, 10.0, (Skipped("a", "b"),)),
        StageRun("infer_windows", 2, 100.0, 4000.0),
        StageRun("import_images", 1, 50.0, 65.0),
    )

    imported, inferred = stage_totals(stages)
    text = text_of(run_summary_page(summary(stages=stages, up_to_date=1)))

    assert (imported.runs, imported.scenes, imported.megapixels, imported.seconds) == (2, 3, 150, 75)
    assert imported.speed == 2 and inferred.speed == 0.025
    assert "import_images 2 3 150.0 1 min 15 s 1 min 05 s 2.00 1" in text
    assert "infer_windows 1 2 100.0 1 h 06 min 1 h 06 min 0.025 0" in text


def test_a_stage_that_took_no_time_has_no_speed() -> None:
    (total,) = stage_totals([StageRun("split_masks", 0, 0.0, 0.0)])

    assert total.speed is None
    assert "split_masks 1 0 0.0 0.0 s 0.0 s – 1" in text_of(
        run_summary_page(summary(stages=(StageRun("split_masks", 0, 0.0, 0.0, (Skipped("a", "b"),)),)))
    )


def test_a_step_that_took_its_time_for_other_things_than_images_has_no_speed() -> None:
    """As publication, where shards finished all scenes."""
    stages = (StageRun("finish_scenes", 2, 100.0, 4.0), StageRun("publish_collection", 0, 0.0, 6.0))
    assert [total.speed for total in stage_totals(stages)] == [25.0, None]


def test_names_are_escaped() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    html = run_summary_page(
        summary(
            name=EVIL,
            images_uri=EVIL,
            scenes=(scene(1, key=EVIL, place=EVIL),),
            failed=(Skipped(EVIL, EVIL, EVIL),),
            stages=(StageRun(EVIL, 1, 1.0, 1.0),),
        ),
        [ScenePicture(EVIL, EVIL, (Panel(EVIL, pixels),))],
    )

    assert "<script" not in html
    assert not faults_of(html)


def test_pictures_are_within_the_page() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    picture = ScenePicture("2026/scene1.tif", "8×8 px", (Panel("whole scene", pixels), Panel("part", pixels)))

    html = run_summary_page(summary(scenes=(scene(1),)), [picture])

    assert tags_of(html).count("img") == 2
    assert not faults_of(html)


@pytest.mark.parametrize("count", [0, 1, 6, 20])
def test_the_choice_of_scenes_depends_on_their_names_alone(count: int) -> None:
    scenes = [scene(number) for number in range(count)]

    shown = scenes_to_show(scenes)

    assert len(shown) == min(count, 6)
    assert shown == scenes_to_show(scenes[::-1])
    assert [entry.key for entry in shown] == sorted(entry.key for entry in shown)


def test_the_distance_from_the_training_is_shown_with_its_limit_and_left_out_where_it_is_not_known() -> None:
    scenes = tuple(
        scene(
            number,
            drift={"pixels": 0.1 * number, "confidence": 0.05},
            drift_limits={"pixels": 0.15 + 0.1 * number, "confidence": 0.2} if number < 4 else {"pixels": 0.35},
        )
        for number in (1, 2, 4)
    )
    html = run_summary_page(summary(scenes=(*scenes, scene(5))))
    text = text_of(html)
    assert "Distance from the training" in text and not faults_of(html)
    assert "limit 0.25–0.35, 1 scene above it" in text and "limit 0.20, 0 scenes above it" in text
    assert "distance, pixels" in text and "0.40" in text
    without = text_of(run_summary_page(summary(scenes=(scene(1),))))
    assert "istance" not in without
