"""Where images and masks lie, and which belong together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from components.core.catalogue.documents import check_assets, names_catalogue
from components.core.catalogue.images import CatalogueImage, images_of
from components.core.catalogue.walk import Catalogue
from components.core.errors import DataError
from components.core.hashing import as_text, is_text
from components.core.imagery.files import RASTER_SUFFIXES, IgnoredFiles, IgnoredReason, is_raster
from components.core.imagery.sidecars import with_side_files
from components.core.skip_budget import Skipped
from components.core.storage import StoredObject, absolute_uri, list_objects, name_of, stem_of
from components.core.storage.local import broken_links

IMAGE_FOLDERS = ("images", "img")
MASK_FOLDERS = ("ann", "gt", "masks")


@dataclass(frozen=True, slots=True)
class ImagePair:
    """An image and its mask, where it has one; both have the stem `name`, or the image is of the item of this id.

    Attributes:
        name: Of both.
        image: It; where it has several rasters, that of its first band.
        mask: Of it.
        bands: The rasters of the image, a band each; none where one raster has all.
    """

    name: str
    image: StoredObject
    mask: StoredObject | None
    bands: tuple[StoredObject, ...] = ()


@dataclass(frozen=True, slots=True)
class ImagePairing:
    """What two folders hold.

    Attributes:
        pairs: Every image, by name.
        unpaired_images: Stems of images without a mask; empty where no masks were given.
        unpaired_masks: Stems of masks without an image.
        has_masks: Whether there is a folder of masks.
        unnamable: Images whose names are no valid UTF-8, as text; they are not among the pairs.
        unusable: Items of a catalogue without an image, and why; they are not among the pairs.
        passed_over: What lies in the folders of images and masks and is not used, by folder.
    """

    pairs: tuple[ImagePair, ...]
    unpaired_images: tuple[str, ...]
    unpaired_masks: tuple[str, ...]
    has_masks: bool
    unnamable: tuple[str, ...] = ()
    unusable: tuple[Skipped, ...] = ()
    passed_over: dict[str, IgnoredFiles] = field(default_factory=dict)

    def log_passed_over(self) -> None:
        """Say what is not used."""
        for place, found in self.passed_over.items():
            found.log(place)


@dataclass(frozen=True, slots=True)
class _Folder:
    """One level of a folder: its rasters, the names of its other files, and the URIs of its subfolders by name."""

    uri: str
    rasters: tuple[StoredObject, ...]
    others: tuple[str, ...]
    subfolders: dict[str, str]

    def passed_over(self, used: set[str]) -> IgnoredFiles:
        """What in it is not used, its subfolders but those of some URIs included."""
        found = IgnoredFiles()
        for name in self.others:
            found.add_file(name)
        for name, uri in self.subfolders.items():
            if uri not in used and not name.startswith("."):
                found.add(f"{name}/", IgnoredReason.FOLDER)
        for link in broken_links(self.uri, recursive=False):
            found.add(name_of(link), IgnoredReason.LINK)
        return found


def find_pairs(
    images_uri: str, masks_uri: str = "", without_masks: bool = False, assets: Sequence[str] = ()
) -> ImagePairing:
    """List images and masks and pair them by stem, or by the ids of a STAC catalogue's items.

    Args:
        images_uri: A folder of images, or one that holds them in `images` or `img` and, unless `masks_uri` is given,
            their masks in `ann`, `gt` or `masks`. Or a STAC document.
        masks_uri: A folder of masks, or one that holds them in `ann`, `gt` or `masks`; empty for none.
        without_masks: Whether masks beside the images are left alone.
        assets: Which assets of items are images; see `components.core.catalogue.images.images_of`.

    Returns:
        Every image, sorted by name, whatever the order of the listing.

    Raises:
        DataError: If a folder is missing, empty or ambiguous, holds images and masks alike, two files share a stem, or
            no mask belongs to an image.
    """
    check_assets(images_uri, assets)
    if names_catalogue(images_uri):
        return _pairs_of_catalogue(images_uri, masks_uri, assets)
    top = _listed(images_uri)
    images = _one_of(top, IMAGE_FOLDERS, "images")
    masks = None if without_masks else _masks_of(top, images, masks_uri)
    if masks and masks.uri == images.uri:
        raise DataError(f"{masks.uri}: is given as the folder of images and of masks; give the masks' folder")
    image_of = _by_stem(images)
    mask_of = _by_stem(masks) if masks else {}
    if masks and not image_of.keys() & mask_of.keys():
        raise DataError(
            f"no image in {images.uri} has a mask of the same stem in {masks.uri}: images are {_some(image_of)}, masks "
            f"{_some(mask_of)}; rename them so that 'town1.tif' goes with 'town1.png'"
        )
    pairs = tuple(ImagePair(name, image_of[name], mask_of.get(name)) for name in sorted(image_of))
    unpaired = tuple(pair.name for pair in pairs if pair.mask is None) if masks else ()
    unnamable = tuple(as_text(entry.uri) for entry in images.rasters if not is_text(entry.uri))
    folders = [folder for folder in (images, masks) if folder is not None]
    used = {folder.uri for folder in folders}
    passed_over = {folder.uri: folder.passed_over(used) for folder in folders}
    alone = tuple(sorted(mask_of.keys() - image_of.keys()))
    return ImagePairing(pairs, unpaired, alone, masks is not None, unnamable, passed_over=passed_over)


def _pairs_of_catalogue(uri: str, masks_uri: str, assets: Sequence[str]) -> ImagePairing:
    """The images of a catalogue's items, with masks of a folder of their own, named by the items' ids."""
    entries = list(images_of(Catalogue(absolute_uri(uri)), assets))
    found = [entry for entry in entries if isinstance(entry, CatalogueImage)]
    unusable = tuple(entry for entry in entries if isinstance(entry, Skipped))
    if not found:
        why = f" ({unusable[0].reason})" if unusable else ""
        raise DataError(f"{uri}: has no item with an image{why}; check the path or URI, and assets (--asset)")
    masks = _one_of(_listed(masks_uri), MASK_FOLDERS, "masks") if masks_uri else None
    mask_of = _by_stem(masks) if masks else {}
    images = {entry.id: entry for entry in found}
    if masks and not images.keys() & mask_of.keys():
        raise DataError(
            f"no item of {uri} has a mask of its id in {masks.uri}: items are {_some(images)}, masks {_some(mask_of)}; "
            "rename the masks so that 'town1.tif' goes with the item 'town1'"
        )
    pairs = tuple(
        ImagePair(name, entry.image, mask_of.get(name), entry.bands) for name, entry in sorted(images.items())
    )
    return ImagePairing(
        pairs,
        tuple(pair.name for pair in pairs if pair.mask is None) if masks else (),
        tuple(sorted(mask_of.keys() - images.keys())),
        masks is not None,
        unusable=unusable,
        passed_over={} if masks is None else {masks.uri: masks.passed_over({masks.uri})},
    )


def no_mask(image_uri: str) -> str:
    """What is wrong with an image without a mask where others have one.

    Args:
        image_uri: The image.
    """
    return (
        f"{image_uri}: has no mask of its name; give it, or set allow_unpaired where images without a mask show no "
        "building"
    )


def _masks_of(top: _Folder, images: _Folder, masks_uri: str) -> _Folder | None:
    """The folder of masks, or None where there is to be none."""
    if masks_uri:
        return _one_of(_listed(masks_uri), MASK_FOLDERS, "masks")
    if images is top:
        return None
    others = sorted(name for name, uri in top.subfolders.items() if uri != images.uri)
    if not others:
        return None
    if not any(name in MASK_FOLDERS for name in others):
        raise DataError(
            f"{top.uri}: none of its folders {', '.join(others)} is named {_either(MASK_FOLDERS)}; rename the folder "
            "of masks, or give it as masks_uri"
        )
    return _one_of(top, MASK_FOLDERS, "masks")


def _one_of(top: _Folder, names: Sequence[str], what: str) -> _Folder:
    """The folder itself where it holds rasters, else the one subfolder with one of the names."""
    found = [uri for name, uri in sorted(top.subfolders.items()) if name in names]
    if top.rasters and found and what == "images":
        raise DataError(f"{top.uri}: holds images and also the folder {found[0]}; give one of the two as {what}_uri")
    if top.rasters:
        return top
    if len(found) > 1:
        raise DataError(f"{top.uri}: holds {' and '.join(found)}; give one of them as {what}_uri")
    if not found:
        raise DataError(
            f"{top.uri}: holds no image file ({_either(sorted(RASTER_SUFFIXES))}) and no folder named "
            f"{_either(names)}; check the path or URI"
        )
    folder = _listed(found[0])
    if not folder.rasters:
        suffixes = _either(sorted(RASTER_SUFFIXES))
        raise DataError(f"{folder.uri}: holds no image file ({suffixes}); check the path or URI")
    return folder


def _listed(uri: str) -> _Folder:
    place = absolute_uri(uri)
    entries = list(list_objects(place, recursive=False))
    if not entries:
        raise DataError(f"{place}: there is no such folder, or it is empty; check the path or URI")
    rasters = tuple(with_side_files(entries))
    subfolders = {name_of(entry.uri.rstrip("/")): entry.uri.rstrip("/") for entry in entries if entry.is_folder}
    others = tuple(name_of(entry.uri) for entry in entries if not entry.is_folder and not is_raster(entry.uri))
    return _Folder(place.rstrip("/"), rasters, others, subfolders)


def _by_stem(folder: _Folder) -> dict[str, StoredObject]:
    found: dict[str, StoredObject] = {}
    for entry in folder.rasters:
        if not is_text(entry.uri):
            continue
        other = found.setdefault(stem_of(entry.uri), entry)
        if other is not entry:
            raise DataError(
                f"{folder.uri}: {name_of(other.uri)} and {name_of(entry.uri)} have the same stem, which names an item; "
                "rename or remove one"
            )
    return found


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:3]) + (" …" if len(listed) > 3 else "")
