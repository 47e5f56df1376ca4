"""Which images a STAC catalogue names, where its links lead, and what is refused."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pystac
import pytest

from components.core import storage
from components.core.catalogue.documents import parse_document
from components.core.catalogue.images import CatalogueImage, images_of
from components.core.catalogue.walk import Catalogue, known_bytes, read_known
from components.core.errors import DataError
from components.core.skip_budget import Skipped
from tests.components.core.catalogue.catalogues import as_json, item, local, put, put_catalogue, touch


def images(uri: str, *assets: str) -> list[CatalogueImage]:
    """The images; none may be skipped."""
    found = list(images_of(Catalogue(storage.absolute_uri(uri)), assets))
    assert all(isinstance(entry, CatalogueImage) for entry in found), found
    return [entry for entry in found if isinstance(entry, CatalogueImage)]


def skipped(uri: str, *assets: str) -> str:
    """Why the only item has no image."""
    (entry,) = images_of(Catalogue(storage.absolute_uri(uri)), assets)
    assert isinstance(entry, Skipped), entry
    return entry.reason


@pytest.fixture(params=["local", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "local":
        return str(tmp_path / "catalogue")
    return str(request.getfixturevalue("s3_environment").new_folder())


def test_an_item_an_item_collection_and_a_catalogue_name_the_same_images(root: str) -> None:
    for name in ("a", "b"):
        touch(f"{root}/{name}.tif")
    entries = [as_json(item(name, {"image": f"./{name}.tif"})) for name in ("b", "a")]
    single = put(f"{root}/single.json", entries[1])
    together = put(f"{root}/all.geojson", {"type": "FeatureCollection", "features": entries})
    above = [{**entry, "assets": {"image": {"href": f"../{entry['id']}.tif"}}} for entry in entries]
    catalogue = put_catalogue(root, *above)
    (found,) = images(single)
    assert (found.id, found.image.uri, found.captured) == ("a", f"{root}/a.tif", "2026-11-22T10:00:00Z")
    assert found.image.etag and found.image.size_bytes == 6
    assert images(together) == images(catalogue)
    assert [entry.id for entry in images(catalogue)] == ["a", "b"]


@pytest.mark.parametrize("kind", [pystac.CatalogType.SELF_CONTAINED, pystac.CatalogType.ABSOLUTE_PUBLISHED])
def test_catalogues_of_pystac_are_read_wherever_they_lie(root: str, kind: pystac.CatalogType, tmp_path: Path) -> None:
    made = tmp_path / "made"
    extent = pystac.Extent(pystac.SpatialExtent([[0, 0, 1, 1]]), pystac.TemporalExtent([[None, None]]))
    catalogue = pystac.Catalog("root", "All")
    for year in ("2025", "2026"):
        child = pystac.Collection(year, year, extent)
        child.add_item(item(f"town-{year}", {"image": "./image.tif"}))
        catalogue.add_child(child)
    catalogue.normalize_hrefs("https://example.com/stac")
    catalogue.save(kind, dest_href=str(made))
    for file in made.rglob("*.json"):
        put(storage.join_uri(root, file.relative_to(made).as_posix()), file.read_bytes())
    for year in ("2025", "2026"):
        touch(f"{root}/{year}/town-{year}/image.tif")
    found = images(f"{root}/catalog.json")
    assert [entry.image.uri for entry in found] == [f"{root}/{y}/town-{y}/image.tif" for y in ("2025", "2026")]


ASSETS: dict[str, Any] = {
    "B04": {"href": "./r.tif", "bands": [{"name": "B04", "eo:common_name": "red"}], "roles": ["data", "reflectance"]},
    "B03": {"href": "./g.tif", "eo:bands": [{"name": "B03", "common_name": "green"}], "roles": ["data"]},
    "B02": {"href": "./b.tif", "bands": [{"name": "blue"}], "roles": ["data"]},
    "visual": {"href": "./v.tif", "roles": ["visual"]},
    "thumbnail": {"href": "./t.png", "roles": ["thumbnail"]},
    "notes": {"href": "./n.xml"},
}


def put_assets(root: Path) -> str:
    local(root, "r.tif", "g.tif", "b.tif", "v.tif", "t.png", "n.xml")
    return put(str(root / "item.json"), as_json(item("a", ASSETS)))


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["visual"], ["v.tif"]),
        (["reflectance"], ["r.tif"]),
        (["red", "green", "blue"], ["r.tif", "g.tif", "b.tif"]),
        (["B02", "B03", "red", "visual"], ["b.tif", "g.tif", "r.tif", "v.tif"]),
        (["thumbnail"], ["t.png"]),
    ],
)
def test_assets_are_named_by_key_role_and_band(names: list[str], files: list[str], tmp_path: Path) -> None:
    (found,) = images(put_assets(tmp_path), *names)
    assert found.image.uri == str(tmp_path / files[0])
    assert [band.uri for band in found.bands] == ([str(tmp_path / file) for file in files] if len(files) > 1 else [])


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "has 4 raster assets ('B04', 'B03', 'B02', 'visual', 'thumbnail'); name one, or one for each band"),
        (["data"], "'data' means 3 assets ('B04', 'B03', 'B02'); name one by its key"),
        (["nir"], "has no raster asset 'nir'; its raster assets are 'B04'"),
        (["notes"], "has no raster asset 'notes'"),
        (["red", "B04", "blue"], "are not assets of their own but bands of one"),
    ],
)
def test_assets_that_match_none_or_several_are_told(names: list[str], said: str, tmp_path: Path) -> None:
    assert said in skipped(put_assets(tmp_path), *names)


def test_what_an_item_says_of_time_and_grid(tmp_path: Path) -> None:
    local(tmp_path, "a.tif")
    asset = {"href": "./a.tif", "proj:shape": [3, 4]}

    def read(**fields: Any) -> CatalogueImage:
        made = item("a", {"image": asset}, when=None, **fields)
        (found,) = images(put(str(tmp_path / "item.json"), as_json(made)))
        return found

    interval = {"start_datetime": "2026-05-01T08:00:00Z", "end_datetime": "2026-05-01T09:00:00Z"}
    assert read(**interval).captured == "2026-05-01T08:00:00Z"
    day = {"start_datetime": "2026-05-01T00:00:00Z", "end_datetime": "2026-05-01T23:59:59Z"}
    assert read(**day).captured == "2026-05-01"
    found = read(**interval, **{"proj:code": "EPSG:32633"})
    assert dict(found.grid) == {"proj:shape": [3, 4], "proj:code": "EPSG:32633"}


def test_a_box_across_the_antimeridian_does_not_matter(tmp_path: Path) -> None:
    local(tmp_path, "a.tif")
    made = as_json(item("a", {"image": "./a.tif"}), bbox=[179.9, -17, -179.9, -16])
    assert images(put(str(tmp_path / "item.json"), made))[0].id == "a"


def test_a_name_in_the_code_of_urls_is_the_plain_one(root: str) -> None:
    touch(f"{root}/old town.tif")
    (found,) = images(put(f"{root}/item.json", as_json(item("a", {"image": "./old%20town.tif"}))))
    assert found.image.uri == f"{root}/old town.tif"


def test_documents_and_images_may_have_names_without_a_suffix(root: str) -> None:
    touch(f"{root}/items/pixels")
    made = as_json(item("b", {"image": {"href": "./pixels", "type": "image/tiff; application=geotiff"}}))
    put(f"{root}/items/b", made)
    place = put_catalogue(root, {**made, "id": "a"}, links=({"rel": "item", "href": "./items/b"},))
    assert [(entry.id, entry.image.uri) for entry in images(place)] == [
        ("a", f"{root}/items/pixels"),
        ("b", f"{root}/items/pixels"),
    ]
    storage.delete(f"{root}/items/pixels")
    assert all("there is no such file" in entry.reason for entry in images_of(Catalogue(place), ()))  # type: ignore[union-attr]


def test_an_alternate_is_taken_where_the_asset_lies_in_the_web(tmp_path: Path) -> None:
    local(tmp_path, "a.tif")
    asset = {"href": "https://example.com/a.tif", "alternate": {"disk": {"href": str(tmp_path / "a.tif")}}}
    assert images(put(str(tmp_path / "item.json"), as_json(item("a", {"image": asset}))))[0].id == "a"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not JSON"),
        (b"[]", "is JSON, but no STAC document (its stac_version is None)"),
        (b'{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}}]}', "stac_version is None"),
        (b'{"type": "Catalog", "stac_version": "0.9.0", "id": "c", "links": []}', "0.9.0 is older than 1.0; migrate"),
        (b'{"stac_version": "0.8.1", "id": "c", "links": []}', "0.8.1 is older than 1.0"),
        (b'{"type": "Catalog", "stac_version": "1.0.0", "links": [3]}', "is JSON, but no STAC document"),
        (b'{"type": "Feature", "stac_version": "1.0.0", "id": "a", "assets": {"i": 3}}', "is JSON, but no STAC"),
    ],
)
def test_what_is_no_stac_document_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(DataError, match=f"^a.json: .*{re.escape(said)}"):
        parse_document(content, "a.json")


def test_items_that_cannot_be_used_are_skipped_and_the_others_stay(root: str) -> None:
    touch(f"{root}/items/good.tif")
    broken = [
        as_json(item("web", {"image": "https://example.com/a.tif"})),
        as_json(item("gone", {"image": "./gone.tif"})),
        as_json(item("none", {"notes": "./notes.xml"})),
        as_json(item("scheme", {"image": "gs://bucket/a.tif"})),
        {**as_json(item("name", {"image": "./good.tif"})), "id": "a/b"},
    ]
    broken[-1]["id"] = "a"
    place = put_catalogue(
        root,
        as_json(item("good", {"image": "./good.tif"})),
        *broken,
        links=(
            {"rel": "item", "href": "./missing.json"},
            {"rel": "item", "href": "https://example.com/item.json"},
            {"rel": "item", "href": "./items/torn.json"},
            {"rel": "item", "href": "./items/slash.json"},
        ),
    )
    put(f"{root}/items/torn.json", b'{"type": "Fea')
    put(f"{root}/items/slash.json", {**as_json(item("x", {"image": "./good.tif"})), "id": "b/c"})
    found = list(images_of(Catalogue(place), ()))
    assert [entry.id for entry in found if isinstance(entry, CatalogueImage)] == ["a", "good"]
    reasons = {entry.name: entry.reason for entry in found if isinstance(entry, Skipped)}
    for name, said in {
        "web": "links to https://example.com/a.tif, and http(s) is not followed; copy the catalogue",
        "gone": "and there is no such file; mend the catalogue",
        "none": "has no raster asset (TIFF, PNG or JPEG) that is imagery",
        "scheme": "the scheme 'gs' is not known",
        "./missing.json": "and there is no such document",
        "https://example.com/item.json": "http(s) is not followed",
        "torn.json": "is not JSON",
        "b/c": "the id 'b/c' cannot name an image",
    }.items():
        assert said in reasons.pop(name)
    assert not reasons


def test_two_items_of_one_id_are_told(root: str) -> None:
    touch(f"{root}/a.tif")
    entry = as_json(item("a", {"image": "./a.tif"}))
    place = put(f"{root}/all.json", {"type": "FeatureCollection", "features": [entry, entry]})
    first, second = images_of(Catalogue(place), ())
    assert isinstance(first, CatalogueImage) and isinstance(second, Skipped)
    assert "its id 'a' is also that of" in second.reason


def test_links_in_a_circle_are_refused_and_two_ways_to_a_document_are_one(root: str) -> None:
    touch(f"{root}/items/a.tif")
    child = {"rel": "child", "href": "./below/catalog.json"}
    place = put_catalogue(root, as_json(item("a", {"image": "./a.tif"})), links=(child, child))
    below = put_catalogue(f"{root}/below", links=({"rel": "item", "href": "../items/a.json"},))
    assert [entry.id for entry in images(place)] == ["a"]
    put_catalogue(f"{root}/below", links=({"rel": "child", "href": "../catalog.json"},))
    with pytest.raises(DataError, match=f"^{re.escape(below)}: links back to {re.escape(place)}, which leads to it"):
        list(Catalogue(place).items())


def test_a_part_of_the_catalogue_that_is_missing_ends_it(root: str) -> None:
    place = put_catalogue(root, links=({"rel": "child", "href": "./2026/catalog.json"},))
    with pytest.raises(DataError, match="and there is no such document; mend the catalogue"):
        list(Catalogue(place).items())
    put(f"{root}/2026/catalog.json", b"{}")
    with pytest.raises(DataError, match="is JSON, but no STAC document"):
        list(Catalogue(place).items())
    with pytest.raises(DataError, match="there is no such document; check the path or URI"):
        Catalogue(f"{root}/nowhere.json").first()


def test_links_of_object_storage_do_not_lead_to_this_machine(s3_environment: Any) -> None:
    root = s3_environment.new_folder()
    put(f"{root}/item.json", as_json(item("a", {"image": "/etc/image.tif"})))
    assert "links to the local path /etc/image.tif from object storage" in skipped(f"{root}/item.json")
    put(f"{root}/item.json", as_json(item("a", {"image": f"{'../' * 20}a.tif"})))
    assert "leads out of the bucket" in skipped(f"{root}/item.json")


def test_known_documents_are_not_asked_for_again(root: str) -> None:
    names = [f"s{number:03d}" for number in range(40)]
    for name in names:
        touch(f"{root}/items/{name}.tif")
    place = put_catalogue(root, *(as_json(item(name, {"image": f"./{name}.tif"})) for name in names))
    first = Catalogue(place)
    before = list(images_of(first, ()))
    assert first.fetched == 41
    storage.write_bytes(f"{root}/known.parquet", known_bytes(first.read))

    again = Catalogue(place, read_known(f"{root}/known.parquet"))
    assert list(images_of(again, ())) == before and again.fetched == 0
    put(f"{root}/items/s007.json", as_json(item("s007", {"image": "./s008.tif"}, gsd=1)))
    changed = Catalogue(place, read_known(f"{root}/known.parquet"))
    found = list(images_of(changed, ()))
    assert changed.fetched == 1 and found[7].image.uri.endswith("s008.tif")  # type: ignore[union-attr]
    storage.write_bytes(f"{root}/known.parquet", b"broken")
    assert read_known(f"{root}/known.parquet") == {}


def test_pystac_agrees_on_what_is_written(tmp_path: Path) -> None:
    """What these tests write is STAC."""
    made = as_json(item("a", ASSETS, when=datetime(2026, 1, 1, tzinfo=UTC)))
    assert pystac.Item.from_dict(json.loads(json.dumps(made))).id == "a"
