"""Import images on the command line: `python -m components.import_images`."""

import sys

from components.core.command.run import stage_main

if __name__ == "__main__":
    sys.exit(stage_main("import_images"))
