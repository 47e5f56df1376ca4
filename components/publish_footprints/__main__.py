"""Publish footprints on the command line: `python -m components.publish_footprints`."""

import sys

from components.core.command.run import stage_main

if __name__ == "__main__":
    sys.exit(stage_main("publish_footprints"))
