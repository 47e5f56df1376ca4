import pytest

from components.core.errors import DataError
from components.evaluate.town_table import TownScores, evaluation_table, town_table
from tests.components.core.reporting.looking import faults_of, page_of, text_of

AUSTIN = TownScores("austin", 31, 0.7712, 0.9652, 0.61, 0.82, 0.78, 0.8)
EMPTY = TownScores("kitsap", 1_234, None, 0.99)
OVERALL = TownScores("all towns", 1_265, 0.7551, 0.9614, 0.6, 0.75, 0.7, 0.724)


def group(name: str, iou: float | None) -> dict[str, object]:
    return {
        "name": name,
        "images": 2,
        "pixels": {"iou": iou, "accuracy": 0.9},
        "objects": {"precision": 0.5, "recall": 0.25, "f1": 0.333},
        "boundary": {"iou": 0.4},
        "polygons": {
            "polis_px": 1.254,
            "polis_m": None,
            "complexity_iou": 0.75,
            "n_ratio": 1.5,
            "max_tangent_angle_deg": 12.3,
        },
        "intervals": {"iou": [0.61, 0.79], "accuracy": None, "object_f1": None, "boundary_iou": None},
    }


def test_the_table_has_a_row_a_town_and_one_for_all() -> None:
    html = page_of(town_table([AUSTIN, EMPTY], OVERALL, iou_threshold=0.6, boundary="5 px"))

    text = text_of(html)
    assert "austin 31 0.771 0.965 0.610 0.820 0.780 0.800" in text
    assert "kitsap 1 234 – 0.990 – – – –" in text
    assert "all towns 1 265 0.755 0.961 0.600 0.750 0.700 0.724" in text
    assert "IoU of at least 0.6" in text and "within 5 px" in text
    assert html.count("width: 77.1%") == 1
    assert not faults_of(html)


def test_columns_without_a_measure_are_left_out() -> None:
    text = text_of(page_of(town_table([], TownScores("all", 3, 0.5, 0.9))))

    assert "boundary" not in text and "precision" not in text


def test_towns_are_escaped() -> None:
    html = page_of(town_table([TownScores("<i>$\\alpha$", 1, 0.5, 0.9)], OVERALL))

    assert "&lt;i&gt;$\\alpha$" in html and "<i>$" not in html


def test_an_evaluation_is_read() -> None:
    metrics = {
        "iou_threshold": 0.5,
        "boundary_px": 3,
        "boundary_m": 0.0,
        "overall": group("overall", 0.7),
        "groups": [group("vienna", None)],
    }

    text = text_of(page_of(evaluation_table(metrics)))

    assert "vienna 2 – 0.610–0.790 0.900 0.400 0.500 0.250 0.333" in text
    assert "all together 2 0.700 0.610–0.790 0.900" in text
    assert "vienna 2 1.25 0.750 1.50 12.30" in text and "PoLiS, m" not in text
    assert "within 3 px" in text and "bootstrap" in text


def test_what_is_no_evaluation_is_refused() -> None:
    with pytest.raises(DataError, match=r"run/metrics\.json: .*'groups'"):
        evaluation_table({"overall": group("overall", 0.7)}, "run/metrics.json")
