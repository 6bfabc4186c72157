"""A model and an executor that take no time: what is left is the agent's own."""

from collections.abc import Callable
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from benchmarks.faults.scripted_model import reply_to
from gome.state.config import Isolation
from gome.tools.execution.job import Job, Outcome
from gome.tools.execution.workspace import make_work_dir

USAGE = {"input_tokens": 1000, "output_tokens": 200, "total_tokens": 1200}


class InstantModel(BaseChatModel):
    """The scripted model of the fault runs, in this process."""

    @property
    def _llm_type(self) -> str:
        return "instant"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        asked = [{"role": "user" if m.type == "human" else m.type, "content": m.content} for m in messages]
        message = AIMessage(reply_to(asked), usage_metadata=USAGE)
        return ChatResult(generations=[ChatGeneration(message=message)])


class InstantExecutor:
    """Runs the scripted model's programs in this process, without the time that they sleep."""

    @property
    def level(self) -> Isolation:
        """'plain'."""
        return "plain"

    def run(self, job: Job, *, stop: Callable[[], bool]) -> Outcome:
        """See Executor.run."""
        make_work_dir(job)
        text = job.program.read_text()
        if "sys.exit" in text:
            return Outcome("error", 1, 0.0, 1.0, "not yet\n", None, self.level)
        text = text.replace("time.sleep", "float")
        for name in ("input/test.csv", "submission.csv"):
            folder = job.input_dir if name.startswith("input") else job.work_dir
            text = text.replace(f'"{name}"', repr(str(folder / name.removeprefix("input/"))))
        exec(compile(text, "main.py", "exec"), {})  # from benchmarks/faults/scripted_model.py
        return Outcome("ok", 0, 0.0, 1.0, "done\n", job.work_dir / "submission.csv", self.level)
