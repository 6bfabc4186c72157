"""gome completion: a script by which a shell completes commands, options and their values."""

import argparse
from pathlib import Path
from typing import get_args

import shtab

from gome.state.config import RunConfig
from gome.state.metric_names import names

_FOLDERS = ("run", "runs", "folder", "pack", "runs_dir", "run_dir", "links_root")
_FILES = ("task", "rows", "submission")


def completion_options(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    parser.add_argument("shell", choices=shtab.SUPPORTED_SHELLS, help="your shell")
    parser.epilog = (
        "bash: gome completion bash > ~/.local/share/bash-completion/completions/gome; zsh: gome completion zsh > "
        "_gome, in a folder of $fpath; fish: gome completion fish > ~/.config/fish/completions/gome.fish"
    )


def completion(arguments: argparse.Namespace) -> int:
    """Print the script; asking the shell to complete then starts no Python."""
    from gome.cli.main import parser_of  # which names this module

    parser = parser_of()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _say_values(command)
    print(shtab.complete(parser, arguments.shell))
    return 0


def _say_values(command: argparse.ArgumentParser) -> None:
    """Tell the values of options that are one of a few words, and which are files or folders."""
    for action in command._actions:
        field = RunConfig.model_fields.get(action.dest)
        words = get_args(field.annotation) if field else ()
        if words and all(isinstance(word, str) for word in words) and action.dest != "without":
            action.choices = words
        elif action.dest == "metric":
            action.choices = names()
        elif action.dest in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.dest in _FILES or action.type is Path or action.metavar == "FILE":
            action.complete = shtab.FILE  # type: ignore[attr-defined]
