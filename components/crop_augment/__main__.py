"""The stage on the command line: `python -m components.crop_augment --project P --crops O`."""

from __future__ import annotations

import sys

from components.core.dtl.stage import stage_main
from components.crop_augment.crop_augment import TUTORIAL_QUERY

if __name__ == "__main__":
    sys.exit(stage_main("crop_augment", "Cut and mirror training crops.", TUTORIAL_QUERY, "crops"))
