from pathlib import Path

import numpy as np

from components.core.dtl.contact_sheet import contact_sheet, thumbnail
from components.core.dtl.project_survey import survey_project
from components.core.figures import Bitmap, Shape
from components.core.geometry import Size, Window
from components.core.imagery import Crop
from components.core.project import ClassInfo, Item, Object, Project, ProjectMeta, open_project, write_manifest
from tests.builders import bitmap_meta, scene_item
from tests.components.core.reporting.looking import faults_of, page_of, tags_of, text_of

SIZE = Size(40, 60)
META = ProjectMeta("INRIA", (ClassInfo("untitled", Shape.BITMAP, "#ff0000"),), ("austin", "unused"))


def project_of(place: Path, items: list[Item], meta: ProjectMeta = META) -> Project:
    write_manifest(place, meta, items)
    return open_project(place)


def crops(root: Path, count: int) -> list[Item]:
    """Items of one scene, half of them tagged, every fourth without objects."""
    scene = scene_item(root, "austin1", SIZE)
    square = Bitmap.of_pixels(np.ones((5, 7), np.bool_), 3, 4)
    assert square is not None and scene.image is not None
    image = scene.image.then(Crop(Window(0, 0, 20, 30)))
    return [
        Item(
            "ds",
            f"crop{index:02}",
            Size(20, 30),
            image,
            ("austin",) if index % 2 else (),
            objects=() if index % 4 == 0 else (Object("untitled", square),) * 2,
        )
        for index in range(count)
    ]


def test_survey_counts_every_item_and_samples_some(tmp_path: Path) -> None:
    found = survey_project(project_of(tmp_path / "p", crops(tmp_path, 12)), count=5)

    assert (found.items, found.empty, found.pixels) == (12, 3, 12 * 600)
    assert found.tags == {"austin": 6, "unused": 0}
    assert found.objects == {"untitled": 18}
    assert found.datasets == {"ds": 12}
    assert len(found.sample) == 5


def test_the_sample_depends_on_names_not_on_order(tmp_path: Path) -> None:
    items = crops(tmp_path, 12)
    forward, backward = project_of(tmp_path / "a", items), project_of(tmp_path / "b", items[::-1])

    def names(project: Project, seed: int = 0) -> list[str]:
        return [project.item(index).name for index in survey_project(project, 5, seed).sample]

    assert names(forward) == names(backward) == sorted(names(forward))
    assert names(forward) != names(forward, seed=1)
    assert survey_project(forward, 0).sample == ()


def test_a_sheet_shows_names_tags_sizes_and_counts(tmp_path: Path) -> None:
    html = page_of(contact_sheet(project_of(tmp_path / "p", crops(tmp_path, 12)), count=12))

    text = text_of(html)
    for expected in ("Project INRIA", "All items", "crop03", "20×30 px · 2 objects", "20×30 px · 0 objects"):
        assert expected in text
    for expected in ("items 12", "objects 18 1.5 an item", "austin 6", "unused 0", "untitled 18"):
        assert expected in text
    assert tags_of(html).count("img") == 12
    assert not faults_of(html)


def test_objects_are_laid_over_the_imagery(tmp_path: Path) -> None:
    item = crops(tmp_path, 2)[1]
    assert item.image is not None
    original = np.moveaxis(item.image.pixels(), 0, 2).astype(int)

    shown = thumbnail(item, META).pixels

    assert shown is not None and shown.shape == (20, 30, 3)
    changed = (shown != original).any(axis=2)
    assert changed[3:8, 4:11].all() and changed.sum() == 35
    assert (shown[3, 4:11, 0] >= 240).all()


def test_of_a_huge_scene_the_middle_is_read(tmp_path: Path) -> None:
    item = scene_item(tmp_path, "vienna1", SIZE)
    assert item.image is not None

    shown = thumbnail(item.with_objects(()), META, largest_px=16)

    assert "its middle" in shown.caption
    middle = item.image.then(Crop(Window(12, 22, 16, 16))).pixels()
    assert np.array_equal(shown.pixels, np.moveaxis(middle, 0, 2))


def test_items_without_readable_pixels_are_shown_as_such(tmp_path: Path) -> None:
    broken = scene_item(tmp_path, "broken", SIZE)
    Path(broken.image.uri if broken.image else "").write_bytes(b"no raster")
    bare = Item("ds", "bare", SIZE)

    sheet = contact_sheet(project_of(tmp_path / "p", [broken, bare]))

    text = text_of(page_of(sheet))
    assert "Its pixels cannot be read." in text and "holds no imagery of this item." in text


def test_users_words_are_escaped_and_huge_names_keep_the_page_usable(tmp_path: Path) -> None:
    evil = "<b>$x^2$&" + "n" * 300
    item = crops(tmp_path, 2)[1]
    named = Item("ds", "n" * 300, item.size, item.image, (evil,))

    sheet = contact_sheet(project_of(tmp_path / "p", [named], bitmap_meta(evil, "untitled", tags=(evil,))))

    assert "<b>$" not in page_of(sheet) and "&lt;b&gt;$x^2$&amp;" in page_of(sheet)
    assert not faults_of(page_of(sheet))


def test_an_empty_project_is_said_to_be_empty(tmp_path: Path) -> None:
    sheet = contact_sheet(project_of(tmp_path / "p", []))

    text = text_of(page_of(sheet))
    assert "It holds no items." in text and "There is nothing to show." in text


def test_long_lists_of_tags_are_cut(tmp_path: Path) -> None:
    tags = tuple(f"tag{index}" for index in range(40))
    item = Item("ds", "a", SIZE, tags=tags)

    assert "and 28 more" in text_of(page_of(contact_sheet(project_of(tmp_path / "p", [item], bitmap_meta(tags=tags)))))
