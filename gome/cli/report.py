"""gome report."""

import argparse
from pathlib import Path

from gome.report.page import write_report
from gome.tools.records.run_file import read_run


def report_options(parser: argparse.ArgumentParser) -> None:
    """The run."""
    parser.add_argument("run", type=Path, help="the run's folder")


def report(arguments: argparse.Namespace) -> int:
    """Write the report of a run again and say where it is."""
    read_run(arguments.run)
    print(write_report(arguments.run))
    return 0
