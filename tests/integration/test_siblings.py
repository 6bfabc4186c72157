"""Traces that know of each other, in real runs: planned starts, claims, choices asked again, programs taken over from."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore

from gome.agents.recorder import recorder
from gome.agents.researcher import researcher
from gome.explanation.words import explain_step
from gome.graph.persistence.momentum_store import StoredMomentum
from gome.graph.run import build_graph
from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.schema import TraceState
from gome.state.step import StepRecord
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.history import History
from gome.tools.records.jsonl import read_lines
from tests.quick import PROGRAM
from tests.scripted import HYPOTHESIS, REPLIES, ScriptedModel, facts_of, player

pytestmark = pytest.mark.slow
PATIENCE_S = 120.0
"""So long a reply waits for another trace, before the test fails."""
TREES = "Boosted trees on the plain columns with a slow learning rate"
KERNELS = "Ridge regression over Gaussian kernels of standardised measurements"
WORSE = "<<<<<<< SEARCH\nmean = sum(y) / len(y)\n=======\nmean = 900.0\n>>>>>>> REPLACE"


class Played:
    """A task played by a scripted model, again and again in one folder with one store, as a resumed run is."""

    def __init__(self, task: Path, out: Path, **options: Any) -> None:
        self.task, self.out = task, out
        small = {"traces": 2, "steps": 1, "folds": 2, "selection_seeds": 1, "finalists": 1, "probes": 0}
        self.config = RunConfig(run_dir=str(out), **{**small, **options})
        self.saver, self.store = InMemorySaver(), InMemoryStore()

    def go(self, model: ScriptedModel, *, resumed: bool = False, **nodes: Any) -> list[StepRecord]:
        roles = dict.fromkeys(("researcher", "coder", "critic"), model)
        graph = build_graph(models=roles, nodes=nodes).compile(checkpointer=self.saver, store=self.store)
        given = None if resumed else {"task": str(self.task)}
        graph.invoke(given, {"configurable": {"thread_id": "t"}, "recursion_limit": 100}, context=self.config)
        return History(self.out / "history.jsonl").records()


def asked(model: ScriptedModel, call: str) -> list[dict[str, Any]]:
    return [facts for m in model.calls if (facts := facts_of(m))["call"] == call]


def hypothesis(statement: str, component: str = "model") -> dict[str, Any]:
    return {**HYPOTHESIS, "statement": statement, "component": component}


def diagnosis(*statements: str, index: int | None = None) -> str:
    """With a choice made at once, if `index` says which."""
    reply = {**json.loads(REPLIES["diagnose"]), "hypotheses": [hypothesis(s) for s in statements]}
    return json.dumps(reply if index is None else {**reply, "choice": {"index": index, "plan": ["do it"]}})


def choice(statement: str, **more: Any) -> str:
    return json.dumps({"hypothesis": hypothesis(statement), "plan": ["do it"], "reason": "best", **more})


def nothing(facts: dict[str, Any]) -> str:
    """A coder that writes no program: its step is lost, and what was chosen is on record all the same."""
    return "I would rather not."


def test_one_diagnosis_plans_the_first_steps_of_all(diabetes: Path, tmp_path: Path) -> None:
    """Both diagnose at the same moment and rank the families the other way round, so that each would take the same."""
    together = threading.Barrier(2)

    def diagnose(facts: dict[str, Any]) -> str:
        together.wait(PATIENCE_S)
        ranked = [TREES, KERNELS] if facts["trace"] == 0 else [KERNELS, TREES]
        return diagnosis(*ranked, index=facts["trace"])

    def choose(facts: dict[str, Any]) -> str:
        assert facts["starts"][facts["trace"]]["hypothesis"] in {row["statement"] for row in facts["choices"]}
        return choice(facts["starts"][facts["trace"]]["hypothesis"])

    model = player(nothing, diagnose=diagnose, choose=choose)
    records = Played(diabetes, tmp_path / "out").go(model)
    (other,) = asked(model, "choose")  # the one whose diagnosis was not the first
    assert "claimed" not in other
    assert [row["hypothesis"] for row in other["starts"]] == [r.statement for r in records]
    assert {r.statement for r in records} == {TREES, KERNELS}


class Alike:
    """Two traces that choose the same at the same moment; whoever is asked again chooses something else."""

    def __init__(self) -> None:
        self.together = threading.Barrier(2)

    def __call__(self, facts: dict[str, Any]) -> str:
        if "claimed" in facts:
            return choice(KERNELS)
        self.together.wait(PATIENCE_S)
        return choice(TREES)


@pytest.mark.parametrize("at_once", [True, False])
def test_of_two_equal_choices_one_is_asked_again_before_code_is_written(
    diabetes: Path, tmp_path: Path, at_once: bool
) -> None:
    """In a turn of its own, whether the choice was made in one before or with the diagnosis."""
    alike = Alike()

    def diagnose(facts: dict[str, Any]) -> str:
        if at_once:
            alike.together.wait(PATIENCE_S)
        return diagnosis(TREES, index=0 if at_once else None)

    model = player(nothing, diagnose=diagnose, choose=alike)
    records = Played(diabetes, tmp_path / "out").go(model)
    chosen = asked(model, "choose")
    assert len(chosen) == (1 if at_once else 3)
    (again,) = [facts for facts in chosen if "claimed" in facts]
    other = 1 - again["trace"]
    said = {"hypothesis": TREES, "verdict": "running", "trace": other, "step": 0, "component": "model"}
    assert again["claimed"] == [said]
    assert [r.statement for r in records] == ([KERNELS, TREES] if again["trace"] == 0 else [TREES, KERNELS])
    assert {facts["hypothesis"]["statement"] for facts in asked(model, "draft")} == {TREES, KERNELS}
    keys = [e["key"] for e in read_lines(tmp_path / "out" / "exchanges.jsonl")]
    assert [key for key in keys if "choose1" in key] == [f"{again['trace']}:0:choose1:0"]


def test_who_insists_is_asked_once(diabetes: Path, tmp_path: Path) -> None:
    together = threading.Barrier(2)

    def propose(facts: dict[str, Any]) -> str:
        if "claimed" not in facts:
            together.wait(PATIENCE_S)
        return choice(TREES)

    model = player(nothing, propose=propose)
    records = Played(diabetes, tmp_path / "out", without=("reasoning",)).go(model)
    assert len(asked(model, "propose")) == 3
    assert [r.statement for r in records] == [TREES, TREES]


def killed_after(happened: Callable[[TraceState], bool]) -> Callable[..., TraceState]:
    """A researcher whose run dies when it has proposed and nothing of that is in a checkpoint yet."""

    def node(state: TraceState, services: Any) -> TraceState:
        update = researcher(state, services)
        if happened(state):
            raise GomeError("killed")
        return update

    return node


def test_a_resumed_choice_is_the_same_and_nothing_is_asked_twice(diabetes: Path, tmp_path: Path) -> None:
    played, journal = Played(diabetes, tmp_path / "out"), tmp_path / "out" / "exchanges.jsonl"

    def was_asked_again(state: TraceState) -> bool:
        return f"{state['trace']}:0:choose1:0" in {e["key"] for e in read_lines(journal)}

    before = player(nothing, choose=Alike())
    with pytest.raises(GomeError, match="killed"):
        played.go(before, researcher=killed_after(was_asked_again))
    (again,) = [facts["trace"] for facts in asked(before, "choose") if "claimed" in facts]
    after = player(nothing, choose=lambda facts: pytest.fail("asked twice"))
    records = played.go(after, resumed=True)
    assert {r.trace: r.statement for r in records} == {again: KERNELS, 1 - again: TREES}
    assert {facts["call"] for facts in map(facts_of, after.calls)} == {"draft"}


def test_a_killed_run_asks_again_where_it_had_no_answer(diabetes: Path, tmp_path: Path) -> None:
    """The claim of the other trace is still known: the resumed one does not take the same step."""

    def refused(facts: dict[str, Any]) -> str:
        if "claimed" in facts:
            error = RuntimeError("invalid API key")
            error.status_code = 401  # type: ignore[attr-defined]
            raise error
        return alike(facts)

    alike, played = Alike(), Played(diabetes, tmp_path / "out")
    with pytest.raises(GomeError, match="invalid API key"):
        played.go(player(nothing, choose=refused))
    after = player(nothing, choose=alike)
    records = played.go(after, resumed=True)
    assert ["claimed" in facts for facts in asked(after, "choose")] == [True]
    assert sorted(r.statement for r in records) == [TREES, KERNELS]


def test_an_unusable_second_reply_leaves_the_first_choice(diabetes: Path, tmp_path: Path) -> None:
    alike = Alike()
    model = player(nothing, choose=lambda facts: "Hm." if "claimed" in facts else alike(facts))
    records = Played(diabetes, tmp_path / "out").go(model)
    assert [r.statement for r in records] == [TREES, TREES]
    assert (
        len(asked(model, "draft")) == 4
    )  # no step was lost by the choice: both coders were asked, and once more


def test_a_trace_that_the_budget_ends_amid_a_step_claims_nothing(diabetes: Path, tmp_path: Path) -> None:
    played = Played(diabetes, tmp_path / "out", traces=1, max_tokens=2 * 15)
    played.go(player(nothing))
    run = json.loads((tmp_path / "out" / "run.json").read_text())["id"]
    assert StoredMomentum(played.store, run).claims() == []


COLUMNS = "Use a second column beside the body mass"
OFFSET = "Shift all predictions by a constant offset upwards"


def test_what_a_sibling_has_done_meanwhile_is_known_and_its_program_can_be_taken_from(
    diabetes: Path, tmp_path: Path
) -> None:
    """Trace 1 waits with its choice in step 1 until trace 0 has done the same, and failed with something else."""
    ahead = threading.Event()

    def note(state: TraceState, services: Any) -> TraceState:
        update = recorder(state, services)
        if (state["trace"], state["step"]) == (0, 2):
            ahead.set()
        return update

    def choose(facts: dict[str, Any]) -> str:
        trace, step = facts["trace"], facts["step"]
        if step == 0:
            return choice(f"first_program of_trace{trace}")
        if trace == 0:
            return choice(COLUMNS if step == 1 else OFFSET)
        if step == 1 and "claimed" not in facts:
            assert ahead.wait(PATIENCE_S)
            return choice(COLUMNS)
        return choice("Take over what the sibling found", takes_from="0:1" if step == 1 else "7:7")

    def diagnose(facts: dict[str, Any]) -> str:
        said = diagnosis(OFFSET if facts["step"] == 2 else f"something else_{facts['trace']}")
        return json.dumps({**json.loads(said), "lesson": f"learnt before {facts['trace']}:{facts['step']}"})

    def code(facts: dict[str, Any]) -> str:
        if facts["call"] == "draft":
            return f"```python\n{PROGRAM}# trace {facts['trace']}\n```"
        better = "<<<<<<< SEARCH\n[:1]\n=======\n[:2]\n>>>>>>> REPLACE"
        return better if facts["step"] == 1 else WORSE

    model = player(code, choose=choose, diagnose=diagnose)
    played = Played(diabetes, tmp_path / "out", steps=3)
    by_id = {r.id: r for r in played.go(model, recorder=note)}
    (again,) = [facts for facts in asked(model, "choose") if "claimed" in facts]
    (done,) = again["claimed"]
    assert (again["trace"], done["trace"], done["step"], done["verdict"]) == (1, 0, 1, "accepted")
    assert done["gain_se"] == pytest.approx(by_id["0:1"].gain_se, abs=1e-4)
    assert by_id["0:2"].verdict == "rejected"
    (last,) = [facts for facts in asked(model, "choose") if (facts["trace"], facts["step"]) == (1, 2)]
    learnt = {(row["trace"], row["step"]): row["lesson"] for row in last["siblings"]}
    assert learnt[0, 1] == "learnt before 0:2"
    assert not learnt[0, 2].startswith(OFFSET), (
        "no diagnosis has drawn it yet, and the hypothesis stands beside it"
    )
    recalled = {row["id"]: row["verdict"] for row in last["momentum"]}
    assert recalled["0:2"] == "rejected"
    assert [by_id[name].takes_from for name in ("0:1", "1:1", "1:2")] == [None, "0:1", None]
    edits = {_place(m): str(m[-1].content) for m in model.calls if facts_of(m)["call"] == "edit"}
    assert "The coder had the program of 0:1 beside it" in explain_step(
        RunFolder.read(tmp_path / "out"), "1:1"
    )
    taken = Artifacts(tmp_path / "out" / "artifacts").get_text(str(by_id["0:1"].code))
    assert taken in edits[1, 1].split("## Program to take from")[1]
    assert not any("## Program to take from" in edits[place] for place in ((0, 1), (0, 2), (1, 2)))


def _place(messages: list[BaseMessage]) -> tuple[int, int]:
    facts = facts_of(messages)
    return facts["trace"], facts["step"]
