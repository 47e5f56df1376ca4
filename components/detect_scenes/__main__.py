"""Detect one shard on the command line: `python -m components.detect_scenes`."""

import sys

from components.core.command.run import stage_main

if __name__ == "__main__":
    sys.exit(stage_main("detect_scenes"))
