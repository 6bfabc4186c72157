"""gome report."""

import argparse
from pathlib import Path

from gome.report.follow import ReportServer
from gome.report.page import write_report
from gome.tools.records.run_file import read_run


def report_options(parser: argparse.ArgumentParser) -> None:
    """The run, and whether to go along with it."""
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument(
        "--follow",
        action="store_true",
        help="serve it on this machine, renewed while the run goes on, until Ctrl-C",
    )
    parser.add_argument(
        "--port", type=int, default=0, help="where --follow serves it; any free port if not given"
    )


def report(arguments: argparse.Namespace) -> int:
    """Write the report of a run again and say where it is, or serve it."""
    read_run(arguments.run)
    if not arguments.follow:
        print(write_report(arguments.run))
        return 0
    with ReportServer(arguments.run, arguments.port) as server:
        print(f"{server.address}  (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0
