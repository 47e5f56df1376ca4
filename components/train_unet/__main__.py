"""Train on the command line: `python -m components.train_unet`."""

import sys

from components.core.command.run import stage_main

if __name__ == "__main__":
    sys.exit(stage_main("train_unet"))
