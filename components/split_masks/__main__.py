"""The stage on the command line: `python -m components.split_masks --project P --split O`."""

from __future__ import annotations

import sys

from components.core.documents.tutorial import SPLIT_MASKS_QUERY
from components.core.dtl.stage import stage_main

if __name__ == "__main__":
    sys.exit(stage_main("split_masks", "Split predicted masks into objects.", SPLIT_MASKS_QUERY, "split"))
