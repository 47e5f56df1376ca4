"""Plan shards on the command line: `python -m components.plan_shards`."""

import sys

from components.core.command.run import stage_main

if __name__ == "__main__":
    sys.exit(stage_main("plan_shards"))
