"""The surveyor: looks at a folder that nothing else understands, and writes the adapter that holds some of it back.

What makes an adapter trustworthy are the executed checks, whoever wrote it; what fails goes back to the model.
"""

import hashlib
import re
import shutil
from pathlib import Path

from pydantic import BaseModel

from gome.agents.prompts.render import render
from gome.state.errors import BudgetReached, GomeError, RunStopped, StepFailed
from gome.state.prompt_context import PromptContext
from gome.state.task import Task
from gome.tools.adapters.adapter import FILE, Limits
from gome.tools.adapters.inputs import FOLDER, AdapterInputs
from gome.tools.adapters.look import look_tool, written
from gome.tools.adapters.task import prepare_adapter_task
from gome.tools.evaluation import metrics
from gome.tools.execution.workspace import remove_tree
from gome.tools.models.conversation import Conversation
from gome.tools.models.parsing import fenced_blocks, without_thoughts
from gome.tools.models.prompt import Prompt
from gome.tools.services import RunServices

ROLE = "surveyor"
ROUNDS, LOOKS = 4, 24
"""Adapters that are tried, and looks at the folder before each."""
CALL_S = 600.0
"""Most that one call of an adapter may take while it is tried."""
SURVEY = "survey"
"""The folder, in the run's, of what the surveyor has looked at and tried."""
PACKAGES = ("pandas", "pyarrow", "numpy", "scipy", "sklearn", "PIL", "yaml")
"""What an adapter may import beside the standard library: all of it comes with gome."""
Found = tuple[Task, AdapterInputs]


class GivenUp(Exception):
    """No adapter came of the survey; in words why."""


class AdapterReply(BaseModel):
    """Reply to `survey`: an adapter, or why there can be none. Not JSON."""

    source: str = ""
    gives_up: str = ""

    @classmethod
    def from_text(cls, text: str) -> "AdapterReply":
        """The longest block of Python that is an adapter. ValueError if there is none that Python can read."""
        blocks = [body for language, body in fenced_blocks(text) if language in ("", "python", "py")]
        source = max((b for b in blocks if "def carve" in b and "def units" in b), key=len, default="")
        if source:
            try:
                compile(source, FILE, "exec")
            except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
                raise ValueError(f"the adapter is not valid Python: {error}") from None
            return cls(source=source)
        if said := re.search(r"^\W*GIVE UP\b\W*(.*)$", without_thoughts(text), re.MULTILINE):
            return cls(gives_up=said[1].strip()[:300] or "no reason given")
        raise ValueError("no ```python block with the functions units and carve, and no line `GIVE UP: ...`")


def survey(services: RunServices, why: str) -> Found:
    """The task with an adapter that has passed all checks, and its inputs, all folds laid out; `why` says what nobody
    else understood. GivenUp where the model finds none in a few rounds, cannot be asked, or may not be any more."""
    talk, look = Conversation(services.asker, ROLE), look_tool(services, services.run_dir / SURVEY)
    prompt, problem = _prompt(services, why), ""
    for number in range(ROUNDS):
        services.emit(SURVEY, "looking at the folder" if number == 0 else f"mending the adapter: {problem}")
        try:
            key = f"{SURVEY}:{number}:write"
            reply = talk.ask(prompt, AdapterReply, key=key, tools=[look], calls=LOOKS)
        except (StepFailed, BudgetReached) as error:
            raise GivenUp(str(error)) from error
        if reply.gives_up:
            raise GivenUp(reply.gives_up)
        try:
            return _tried(services, reply.source)
        except GomeError as error:
            problem = str(error)
        mend = render(ROLE, "mend_adapter", {}, private=False, problem=problem[:2000])
        prompt = Prompt("", mend.user)
    raise GivenUp(f"no adapter passed the checks in {ROUNDS} rounds; the last: {problem}")


def clear(run_dir: Path) -> None:
    """Take away what an adapter that is not trusted has laid out; the public folder stays."""
    for link in (run_dir / "inputs").glob("*-*"):
        if link.is_symlink() and not link.name.startswith("final-"):
            folder = link.resolve()
            link.unlink()
            remove_tree(folder)
    for name in ("answers", FOLDER):
        shutil.rmtree(run_dir / name, ignore_errors=True)


def _tried(services: RunServices, source: str) -> Found:
    """The task as the adapter speaks for it. GomeError with the line that says what to mend, without the file's name;
    what failed once is not tried again."""
    folder = services.run_dir / SURVEY
    file, name = folder / FILE, hashlib.sha256(source.encode()).hexdigest()[:20]
    failed = folder / f"failed-{name}.txt"
    if failed.is_file():
        raise GomeError(failed.read_text())
    services.emit(SURVEY, "checking the adapter")
    try:
        return laid_out(services, source)
    except (RunStopped, BudgetReached, OSError):
        raise
    except Exception as error:  # whatever a model's file does to the checks, it ends no run
        line = str(error) if isinstance(error, GomeError) else f"{type(error).__name__}: {error}"
        line = line.replace(f"{file}: ", "").replace(str(services.run_dir / "inputs"), "inputs")
        written(failed, line)
        raise GomeError(line) from error


def laid_out(services: RunServices, source: str) -> Found:
    """The task by the adapter `source`, its folds laid out in the place of those of any before. GomeError, with the
    adapter's file in its words: what does not hold."""
    file, config = services.run_dir / SURVEY / FILE, services.config
    clear(services.run_dir)
    written(file, source)
    limits = Limits(min(CALL_S, config.program_time_limit_s), config.memory_limit_mb)
    said = config.said
    said["name"] = services.task.name  # its root may be a folder of the run's
    return prepare_adapter_task(
        Path(services.task.root),
        file,
        services.run_dir,
        limits,
        said=said,
        seed=config.seed,
        folds=config.folds,
    )


def _prompt(services: RunServices, why: str) -> Prompt:
    task = services.task
    context: PromptContext = {
        "task": {
            "name": task.name,
            "sample": task.sample,
            "id": task.id,
            "prediction": task.prediction[:50],
            "tree": services.profile.get("tree", []),
        },
        "previews": services.profile.get("previews", []),
    }
    return render(
        ROLE,
        SURVEY,
        context,
        private=False,  # a private run has no survey
        why=why,
        description=task.description,
        metrics=metrics.names(),
        packages=PACKAGES,
    )
