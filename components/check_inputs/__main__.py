"""Check a training run's inputs on the command line: `python -m components.check_inputs`."""

import sys

from components.core.command.run import stage_main

if __name__ == "__main__":
    sys.exit(stage_main("check_inputs"))
