"""The stage on the command line: `python -m components.split_masks --project P --split O`."""

from __future__ import annotations

import sys

from components.core.dtl.stage import stage_main
from components.split_masks.split_masks import TUTORIAL_QUERY

if __name__ == "__main__":
    sys.exit(stage_main("split_masks", "Split predicted masks into objects.", TUTORIAL_QUERY, "split"))
