"""The stage on the command line: `python -m components.crop_augment --project P --crops O`."""

from __future__ import annotations

import sys

from components.core.documents.tutorial import CROP_AUGMENT_QUERY
from components.core.dtl.stage import stage_main

if __name__ == "__main__":
    sys.exit(stage_main("crop_augment", "Cut and mirror training crops.", CROP_AUGMENT_QUERY, "crops"))
