"""Tag images on the command line: `python -m components.split_tagging`."""

import sys

from components.core.command.run import stage_main

if __name__ == "__main__":
    sys.exit(stage_main("split_tagging"))
