"""python train.py DATA: fit the programs of this solution on the task's files in the folder DATA, and keep the result."""

import argparse
import sys
from pathlib import Path

from gome.export.standalone.solution import MODEL, Refused, fit, read_spec


def main() -> int:
    """Fit; 0, or 2 with the line that says why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder with the task's files under their own names")
    try:
        for note in fit(read_spec(), parser.parse_args().data):
            print(f"train.py: {note}", file=sys.stderr)
    except Refused as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    print(f"fitted: {MODEL}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
