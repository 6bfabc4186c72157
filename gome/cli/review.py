"""Review at the terminal: what the run asks a person, laid out; the answer, as a letter or as a line of JSON."""

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml
from rich.console import Console
from rich.rule import Rule
from rich.syntax import Syntax
from rich.text import Text

from gome.formatting import one_line, score_text
from gome.state.errors import GomeError
from gome.state.plain import JsonObject
from gome.state.prompt_context import HypothesisChoice
from gome.state.review import Question, read_answer, where_of

CHOICES = "[a]ccept, [e]dit, re[p]lace, [r]eject, [s]top, a line of JSON, or ? for what these do"
_EXPLAINED = {
    "accept": "the step goes on with what is shown",
    "edit": "change a part of it in $EDITOR; what you leave stays",
    "replace": "another hypothesis in your words, or a program from a file, takes its place",
    "reject": "the step ends and nothing runs; your reason is needed, and the next diagnosis reads it",
    "stop": "the run stops and keeps the question; `gome resume` asks it again",
}
_OF_A_TASK = {
    "accept": "the run goes on with this adapter",
    "edit": "change it in $EDITOR; it is checked anew",
    "replace": "an adapter from a file takes its place, and is checked",
    "reject": "nothing is held back, and programs score themselves; your reason is needed",
}
_EDITORS = ("sensible-editor", "nano", "vi")
_WORDS = {"a": "accept", "e": "edit", "p": "replace", "r": "reject", "s": "stop"}
_LABEL = 12


def ask(question: Question, console: Console) -> JsonObject | None:
    """Show the question and read the answer. None for stop, Ctrl-C, or an input that has ended."""
    show(question, console)
    try:
        while True:
            _line(console, "answer", CHOICES)
            try:
                said = console.input("> ", markup=False).strip()
                if said.lower() in ("?", "h", "help"):
                    _explain(question, console)
                    continue
                answer = _answer(said, question, console)
                if answer is not None:
                    read_answer(answer)
                return answer
            except (ValueError, GomeError) as error:
                _line(console, "problem", str(error))
    except (EOFError, KeyboardInterrupt):
        return None


def _answer(said: str, question: Question, console: Console) -> JsonObject | None:
    """The answer that a line stands for, after what else it takes. ValueError or GomeError: say it again."""
    if said.startswith("{"):
        return dict(json.loads(said))
    action = _WORDS.get(said.lower(), said.lower())
    takes: dict[str, Callable[[Question, Console], JsonObject]] = {
        "accept": lambda q, c: {},
        "edit": _edited,
        "replace": _replaced,
        "reject": lambda q, c: {"reason": c.input("reason: ").strip()},
    }
    if action == "stop":
        return None
    if action not in takes:
        raise ValueError(f"{said!r} is no answer: type a, e, p, r or s, or ? for what these do")
    given = takes[action](question, console)
    if action in ("edit", "replace"):
        given["reason"] = console.input("reason (may be left out): ").strip()
    return {"action": action, **given}


def _explain(question: Question, console: Console) -> None:
    explained = {**_EXPLAINED, **(_OF_A_TASK if question["review"] == "task" else {})}
    for action, what in explained.items():
        _line(console, action, what)
    _line(console, "JSON", question.get("how", ""))


def _edited(question: Question, console: Console) -> JsonObject:
    """What an editor makes of the hypothesis and its plan, or of the program."""
    if question["review"] != "hypothesis":
        return {"program": _in_editor(question["program"], ".py", console)}
    hypothesis = question["hypothesis"]
    parts = {**{name: hypothesis.get(name) for name in ("statement", "component")}, "plan": question["plan"]}
    text = _in_editor(yaml.safe_dump(parts, sort_keys=False, allow_unicode=True, width=100), ".yaml", console)
    try:
        changed = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"this is not YAML: {one_line(error)}") from None
    return dict(changed) if isinstance(changed, dict) else {}


def _replaced(question: Question, console: Console) -> JsonObject:
    if question["review"] == "hypothesis":
        statement = console.input("hypothesis: ").strip()
        plan = console.input("plan (may be left out): ").strip()
        return {"statement": statement, **({"plan": plan} if plan else {})}
    path = Path(console.input(f"file with the {_text_of(question)}: ").strip()).expanduser()
    try:
        return {"program": path.read_text(encoding="utf-8")}
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None


def _text_of(question: Question) -> str:
    return "adapter" if question["review"] == "task" else "program"


def _in_editor(text: str, suffix: str, console: Console) -> str:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    command = named or next((found for name in _EDITORS if (found := shutil.which(name))), None)
    if command is None or not (named or console.is_terminal):
        raise GomeError("there is no editor: set EDITOR, or answer with a line of JSON")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"review{suffix}"
        path.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(command), str(path)])
        except OSError as error:
            raise GomeError(f"the editor {command!r} does not start ({error.strerror}): set EDITOR") from None
        if done.returncode:
            raise GomeError(
                f"the editor {command!r} ended with exit code {done.returncode}: nothing was taken"
            )
        changed = path.read_text(encoding="utf-8")
    if changed == text:
        raise GomeError("nothing was changed in the editor; answer again")
    return changed


def show(question: Question, console: Console) -> None:
    """Print what is to be decided and what it rests on."""
    stage = f" ({question['stage']})" if "stage" in question else ""
    console.print(Rule(Text(f"to review: {where_of(question)}{stage}"), align="left"))
    if problem := question.get("problem"):
        _line(console, "problem", problem)
    incumbent = question.get("incumbent")
    if incumbent:
        score = score_text(incumbent["score"], incumbent["stderr"])
        _line(console, "incumbent", f"step {incumbent['step']}, {score}: {incumbent['hypothesis']}")
    for label in ("diagnosis", "error"):
        _line(console, label, str(question.get(label, "")))
    for part in (question.get("evidence") or {}).get("worst_slices", []):
        _line(console, "weak where", ", ".join(f"{k} {v}" for k, v in part.items()))
    for entry in question.get("recalled", []):
        _line(console, "recalled", f"{entry['id']}, gain {entry['gain_se'] or 0:+.1f} se: {entry['lesson']}")
    for candidate in question.get("candidates", []):
        _line(console, "candidate", _candidate(candidate))
    for fact in question.get("facts", []):
        _line(console, "task", fact)
    _line(console, "hypothesis", question.get("hypothesis", {}).get("statement", ""))
    _line(console, "because", question.get("reason", ""))
    for sentence in question.get("plan", []):
        _line(console, "plan", sentence)
    if text := question.get("diff") or question.get("program"):
        console.print(Syntax(text, "diff" if question.get("diff") else "python", background_color="default"))


def _candidate(candidate: HypothesisChoice) -> str:
    gain = candidate.get("predicted_gain") or 0.0
    part, weighted = candidate.get("component"), candidate["weighted"]
    return f"{candidate['statement']} ({part}, {weighted} of 10, predicted {gain:+.3g})"


def _line(console: Console, label: str, text: str) -> None:
    if text:
        console.print(
            f"{label:<{_LABEL}}{one_line(text, 2000)}", markup=False, highlight=False, soft_wrap=True
        )
