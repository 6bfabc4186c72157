"""gome advise: a sentence for the next diagnoses of a run."""

import argparse
from pathlib import Path

from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.records.advice import Advice
from gome.tools.records.run_file import read_run


def advise_options(parser: argparse.ArgumentParser) -> None:
    """The run and the advice."""
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("advice", help="what to say, in quotes")


def advise(arguments: argparse.Namespace) -> int:
    """Write the advice down where every trace finds it. GomeError where none will."""
    run, text = read_run(arguments.run), arguments.advice.strip()
    if not text:
        raise GomeError("the advice is empty: say what the next diagnosis shall read")
    if RunFolder.read(arguments.run).state == "finished":
        raise GomeError(f"{arguments.run} is finished: no diagnosis will read the advice")
    Advice(arguments.run / "advice.jsonl").give(text)
    print("noted: the next diagnosis of every trace reads it")
    if RunConfig(**run["config"]).model_of("researcher") == "offline":
        print(
            "note: the offline reasoner is rules, not a language model: it writes advice down and cannot follow it"
        )
    return 0
