"""gome doctor: what this machine offers, each line with what to do about a lack."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from rich.console import Console

from gome.cli.options import given_by
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.execution.environment.runtime import NAMED, ensure_runtime, is_built
from gome.tools.execution.hardware import hardware
from gome.tools.execution.sandbox import seccomp
from gome.tools.execution.sandbox.control_group import limits_words
from gome.tools.execution.sandbox.probe import levels
from gome.tools.secrets import masked


def doctor_options(parser: argparse.ArgumentParser) -> None:
    """The runtime to look at, the model to ask; what is not said is read in gome.yaml."""
    for name in ("runtime", "model", "base_url"):
        parser.add_argument(f"--{name.replace('_', '-')}", help=RunConfig.model_fields[name].description)


def doctor(arguments: argparse.Namespace) -> int:
    """Print the findings; 0 if programs can be run and a named model answers, 1 if not."""
    config = given_by(arguments).config
    console = Console(highlight=False, soft_wrap=True)
    machine = hardware()
    console.print(f"python     {sys.version.split()[0]}")
    console.print(
        f"hardware   {machine['cpus']} cores, {machine['memory_gb']:.1f} GB, GPU: {machine['gpu'] or 'none'}"
    )
    console.print(f"disk       {shutil.disk_usage('.').free / 2**30:.0f} GB free here")
    try:
        runtime = ensure_runtime(config.runtime, progress=lambda line: console.print(f"runtime    {line}"))
    except GomeError as error:
        console.print(f"runtime    FAILED: {error}")
        return 1
    console.print(f"runtime    {runtime.python} ({len(runtime.packages)} packages)")
    listed = ", ".join(f"{name} {version}" for name, version in runtime.packages.items())
    console.print(f"packages   {listed}")
    for note in runtime.notes:
        console.print(f"runtime    note: {note}")
    named = ", ".join(f"{name} ({'built' if is_built(name) else 'not built yet'})" for name in NAMED)
    console.print(f"runtimes   --runtime {named}; or a file or environment of your own", markup=False)
    _walls(console, runtime.python)
    return _ask(console, config)


def _walls(console: Console, python: Path) -> None:
    """What keeps programs in, and what of the model is set."""
    for level, lack in levels(python).items():
        console.print(f"isolation  {level}: {lack or 'works'}", markup=False)
    console.print(f"limits     {limits_words()}", markup=False)
    unfiltered = seccomp.missing()
    console.print(f"syscalls   {f'not filtered: {unfiltered}' if unfiltered else 'filtered'}")
    key = "set" if os.environ.get("OPENAI_API_KEY") else "not set (needed for hosted models only)"
    url = masked(os.environ.get("OPENAI_BASE_URL", "not set"))
    console.print(f"model      OPENAI_API_KEY {key}; OPENAI_BASE_URL {url}")


def _ask(console: Console, config: RunConfig) -> int:
    """Ask the model one thing and print what that shows; 0, or 1 if it cannot be asked."""
    if config.model == "offline":
        return 0
    from gome.graph.run_layout import prices_of  # seconds to load
    from gome.tools.models.first_call import NotNow, first_call

    try:
        found = first_call(config.model, config.base_url, prices_of(config))
    except (GomeError, NotNow) as error:
        console.print(f"model      FAILED: {error}", markup=False)
        return 1
    for line in (found.line, *found.notes):
        console.print(f"model      {line}", markup=False)
    return 0
