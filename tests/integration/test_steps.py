"""Steps with a scripted model and real programs: edits, debugging, verdicts, lost steps, voided scores."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gome.cli.summary import steps_text
from gome.graph.run import build_graph
from gome.report.page import write_report
from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.step import StepRecord
from gome.tools.records.history import History
from tests.scripted import HYPOTHESIS, REPLIES, ScriptedModel, call_of, facts_of, player

pytestmark = pytest.mark.slow

PROGRAM = """\
import numpy as np

train, test = (np.loadtxt(f"input/{part}.csv", delimiter=",", skiprows=1) for part in ("train", "test"))
columns = [c for c in range(1, test.shape[1])][:2]
mean, std = train[:, columns].mean(axis=0), train[:, columns].std(axis=0)


def scaled(table):
    return np.c_[np.ones(len(table)), (table[:, columns] - mean) / std]


weights = np.linalg.lstsq(scaled(train), train[:, -1], rcond=None)[0]
predicted = np.clip(scaled(test) @ weights, 0, 1)
with open("submission.csv", "w") as out:
    print("id,malignant", *(f"{row[0]:.0f},{p:.17g}" for row, p in zip(test, predicted)), sep="\\n", file=out)
"""
"""Reads with numpy alone: a program is started many times, and pandas is most of such a start."""


def fenced(program: str) -> str:
    return f"Here it is.\n```python\n{program}```\n"


def edit(search: str, replacement: str) -> str:
    return f"A change.\n<<<<<<< SEARCH\n{search}\n=======\n{replacement}\n>>>>>>> REPLACE\n"


COLUMNS_LINE = "columns = [c for c in range(1, test.shape[1])][:2]"
BETTER = edit(COLUMNS_LINE, COLUMNS_LINE.removesuffix("[:2]"))
SAME = edit("import numpy as np", "import numpy as np  # noqa")
WORSE = edit(
    "predicted = np.clip(scaled(test) @ weights, 0, 1)",
    "predicted = np.random.default_rng(0).random(len(test))\nprint('GOME {\"drawn\": 7}')",
)


def run(
    task: Path, out: Path, model: ScriptedModel, **options: Any
) -> tuple[dict[str, Any], list[StepRecord]]:
    config = RunConfig(
        run_dir=str(out), **{"traces": 1, "steps": 2, "folds": 2, "selection_seeds": 1, **options}
    )
    graph = build_graph(models=dict.fromkeys(("researcher", "coder", "critic"), model)).compile()
    state = graph.invoke({"task": str(task)}, context=config)
    return state["result"], History(out / "history.jsonl").records()


def by_step(*replies: str) -> Any:
    return lambda facts: replies[facts["step"]]


def test_a_better_program_is_accepted_and_a_worse_one_rejected(cancer: Path, tmp_path: Path) -> None:
    model = player(by_step(fenced(PROGRAM), BETTER, WORSE, SAME))
    result, records = run(cancer, tmp_path / "out", model, steps=4)
    assert [r.verdict for r in records[:3]] == ["accepted", "accepted", "rejected"]
    asked = [facts_of(m) for m in model.calls if call_of(m) == "diagnose"]
    assert [facts.get("rejected", {}).get("facts") for facts in asked] == [None, None, None, {"drawn": 7}]
    assert records[1].comparison["gain"] > 0
    assert records[2].comparison["p_better"] < 0.01
    race, folds = records[2].race, records[1].score["folds"]
    assert (race["folds"], race["of"], race["incumbent"]) == (1, len(folds), pytest.approx(folds[0]))
    assert records[2].value is None
    assert f"stopped after 1 of {len(folds)} folds" in records[2].reason
    ran = {
        path.name for path in (tmp_path / "out" / "results").glob(f"{records[2].evaluation['key']}-f*.json")
    }
    assert ran == {f"{records[2].evaluation['key']}-f0.json"}
    assert "1 stopped before its last fold" in steps_text(RunFolder.read(tmp_path / "out"))
    assert f"1 of {len(folds)} folds" in write_report(tmp_path / "out").read_text()
    assert records[1].parent == records[0].code
    assert records[2].parent == records[1].code
    assert result["best"]["members"][0]["id"] == "0:1"
    assert result["submission_ok"]
    check_worst_rows(cancer, RunFolder.read(tmp_path / "out"))


def check_worst_rows(task: Path, folder: RunFolder) -> None:
    """Of the accepted edit the rows are kept on which the program before it was worst, as predictions and labels say."""
    truth = pd.read_csv(task / "train.csv", dtype={"id": str}).set_index("id")["malignant"]

    def wrong_side(record: StepRecord) -> pd.Series:
        """Of each row the share of the other class in its fold that is put on the wrong side of it: the task is AUC."""
        shares = {}
        for _, part in folder.artifacts.get_table(record.evaluation["predictions"]).groupby("__fold__"):
            chance = part.set_index("id")["malignant"]
            ill, well = chance[truth[chance.index] == 1], chance[truth[chance.index] == 0]
            shares |= {id_: ((well > c).mean() + (well >= c).mean()) / 2 for id_, c in ill.items()}
            shares |= {id_: ((ill < c).mean() + (ill <= c).mean()) / 2 for id_, c in well.items()}
        return pd.Series(shares)

    before, after = map(wrong_side, folder.records[:2])
    kept = folder.rows_of(folder.records[1])
    shown = [row["row"]["id"] for row in kept["rows"]]
    assert sorted(before[shown], reverse=True) == pytest.approx(before.nlargest(3).tolist())
    for row, was, now in zip(kept["rows"], before[shown], after[shown], strict=True):
        assert (row["loss"], row["loss_after"]) == pytest.approx((was, now), rel=1e-3)
        assert row["change"] == ("better" if now < was else "worse")
        assert row["truth"]["malignant"] == str(truth[row["row"]["id"]])
    assert folder.rows_of(folder.records[0]) is None


def test_the_next_diagnosis_sees_what_happened(cancer: Path, tmp_path: Path) -> None:
    diagnosis = json.dumps({**json.loads(REPLIES["diagnose"]), "lesson": "use all columns"})
    model = player(by_step(fenced(PROGRAM), BETTER), diagnose=diagnosis)
    _, records = run(cancer, tmp_path / "out", model)
    assert [call_of(m) for m in model.calls] == ["diagnose", "choose", "draft", "diagnose", "choose", "edit"]
    facts = facts_of(model.calls[3])
    assert facts["history"][0]["feedback"].startswith("The first valid program of the trace scores 0.")
    assert facts["incumbent"]["stderr"] > 0
    assert "lesson" not in facts["history"][0]  # nobody has drawn one: it would repeat what stands there
    assert str(model.calls[3][1].content).count("fit another model") == 1
    assert facts_of(model.calls[4])["momentum"][0]["lesson"] == records[0].lesson == "use all columns"
    assert "predicted was better by 0.01" in records[1].lesson
    assert facts["evidence"]["worst_slices"] is not None
    assert facts["momentum"] == []  # what is remembered stands in the history


def test_a_failing_program_is_mended_within_the_step(cancer: Path, tmp_path: Path) -> None:
    broken = PROGRAM.replace("import numpy as np\n", "import numpy as np\nimport nosuchmodule\n")

    def code(facts: dict[str, Any]) -> str:
        if facts["call"] == "debug":
            assert "nosuchmodule" in facts["error"]["problems"][0]
            said = "The module is not there: the columns are scaled by hand, without it.\n\n"
            return said + edit("import nosuchmodule", "").partition("\n")[2]
        return fenced(broken) if facts["step"] == 0 else BETTER

    model = player(code)
    _, records = run(cancer, tmp_path / "out", model, steps=2)
    assert records[0].verdict == "accepted"
    assert records[0].debug_rounds == 1
    repairs = ["The module is not there: the columns are scaled by hand, without it."]
    assert [r.repairs for r in records] == [repairs, []]
    diagnosed = next(
        facts_of(m) for m in model.calls if call_of(m) == "diagnose" and facts_of(m)["step"] == 1
    )
    assert diagnosed["history"][0]["repairs"] == repairs


def test_debugging_ends_and_the_step_is_lost_not_the_run(cancer: Path, tmp_path: Path) -> None:
    def code(facts: dict[str, Any]) -> str:
        if facts["step"] == 0:
            return fenced(
                f"import sys\n\n# round {facts.get('error', {}).get('round')}\nprint('hello')\nsys.exit(3)\n"
            )
        return fenced(PROGRAM)

    result, records = run(cancer, tmp_path / "out", player(code), debug_rounds=2)
    assert [r.verdict for r in records] == ["failed", "accepted"]
    assert "exit code 3" in records[0].reason
    assert records[0].debug_rounds == 2
    assert result["submission_ok"]


SLOW = """\
import json
import time

print("GOME " + json.dumps({"stage": "features", "seconds": 0.25}), flush=True)
time.sleep(600)
"""


def test_a_program_that_times_out_on_smoke_gets_one_cheaper_plan(cancer: Path, tmp_path: Path) -> None:
    model = player(lambda facts: fenced(f"{SLOW}# {facts['call']}\n"))
    out = tmp_path / "out"
    result, records = run(cancer, out, model, steps=1, program_time_limit_s=2, debug_rounds=4)
    prompts = [str(messages[1].content) for messages in model.calls]
    debugs = [prompt for prompt in prompts if "\n# debug\n" in prompt]
    assert len(debugs) == 1
    assert "Write a cheaper program" in debugs[0]
    assert "smallest change" not in debugs[0]
    asked = next(messages for messages in model.calls if str(messages[1].content) == debugs[0])
    assert facts_of(asked)["error"]["stages"] == {"features": 0.25}
    assert [(r.verdict, r.debug_rounds) for r in records] == [("failed", 1)]
    assert "smoke" in records[0].reason
    assert "time limit" in records[0].reason
    assert result["handed_over"] == "naive"


def test_another_failure_after_a_time_out_is_mended_as_ever(cancer: Path, tmp_path: Path) -> None:
    """Only a second time-out on the smoke split ends a step early."""
    programs = iter([SLOW, "import sys\n\nprint('hello')\nsys.exit(3)\n", PROGRAM])
    model = player(lambda facts: fenced(next(programs)))
    _, records = run(cancer, tmp_path / "out", model, steps=1, program_time_limit_s=10)
    assert [(r.verdict, r.debug_rounds) for r in records] == [("accepted", 2)]


def test_format_problems_are_told_to_the_coder(cancer: Path, tmp_path: Path) -> None:
    seen: list[str] = []

    def code(facts: dict[str, Any]) -> str:
        if facts["call"] == "debug":
            seen.extend(facts["error"]["problems"])
            return fenced(PROGRAM)
        return fenced(PROGRAM.replace("id,malignant", "ID,malignant"))

    _, records = run(cancer, tmp_path / "out", player(code), steps=1)
    assert records[0].verdict == "accepted"
    assert "id" in seen[0]


def test_unusable_replies_cost_the_step_alone(cancer: Path, tmp_path: Path) -> None:
    def diagnose(facts: dict[str, Any]) -> str:
        return "I cannot say." if facts["step"] == 1 else REPLIES["diagnose"]

    model = player(by_step(fenced(PROGRAM), "", BETTER), diagnose=diagnose)
    _, records = run(cancer, tmp_path / "out", model, steps=3)
    assert [r.verdict for r in records] == ["accepted", "failed", "accepted"]
    assert "repair turn" in records[1].reason


def test_a_critic_that_cannot_answer_leaves_the_decision_to_the_measurement(
    cancer: Path, tmp_path: Path
) -> None:
    model = player(by_step(fenced(PROGRAM), SAME), judge="Hm.")
    _, records = run(cancer, tmp_path / "out", model)
    assert [(r.verdict, r.tie) for r in records] == [("accepted", False), ("rejected", True)]
    assert "the measurement decides" in records[1].feedback


def test_severe_leakage_voids_the_score(cancer: Path, tmp_path: Path) -> None:
    def judge(facts: dict[str, Any]) -> str:
        verdict = json.loads(REPLIES["judge"])
        if facts["step"] == 1:
            verdict["leakage"] = {"found": True, "severity": "severe", "where": "line 8"}
        return json.dumps(verdict)

    _, records = run(cancer, tmp_path / "out", player(by_step(fenced(PROGRAM), SAME), judge=judge))
    assert records[1].verdict == "rejected"
    assert records[1].evaluation["status"] == "void"
    assert "line 8" in records[1].reason


def test_a_tie_is_the_critics_to_decide(cancer: Path, tmp_path: Path) -> None:
    refuse = json.dumps({"accept": False, "reason": "no gain"})
    model = player(by_step(fenced(PROGRAM), SAME, SAME), judge=by_step("", refuse, REPLIES["judge"]))
    _, records = run(cancer, tmp_path / "out", model, steps=3)
    judged = [str(m[-1].content) for m in model.calls if call_of(m) == "judge"]
    assert all("+import numpy as np  # noqa" in prompt for prompt in judged)
    assert not any("weights = np.linalg.lstsq" in prompt for prompt in judged)  # the change alone
    assert records[1].feedback.endswith("The critic: no gain")
    assert [(r.verdict, r.tie) for r in records] == [
        ("accepted", False),
        ("rejected", True),
        ("accepted", True),
    ]


def test_traces_see_what_their_siblings_try(cancer: Path, tmp_path: Path) -> None:
    def choose(facts: dict[str, Any]) -> str:
        hypothesis = {**HYPOTHESIS, "statement": f"some_idea of_trace{facts['trace']}"}
        return json.dumps({"decision": "select", "hypothesis": hypothesis, "plan": ["do it"]})

    model = player(by_step(fenced(PROGRAM), BETTER), choose=choose)
    run(cancer, tmp_path / "out", model, traces=2, sync_every=1)
    seen = [facts_of(m) for m in model.calls if facts_of(m)["call"] == "diagnose"]
    for facts in (f for f in seen if f["step"] == 1):
        statements = {row["hypothesis"] for row in facts["siblings"]}
        assert f"some_idea of_trace{1 - facts['trace']}" in statements


def test_the_token_cap_ends_the_run_with_its_best_result(cancer: Path, tmp_path: Path) -> None:
    model = player(by_step(fenced(PROGRAM), BETTER, WORSE))
    result, records = run(cancer, tmp_path / "out", model, steps=3, max_tokens=15 * 5)
    assert len(model.calls) == 5
    assert len(records) == 1
    assert result["submission_ok"]
    assert "75 tokens" in result["ended"]["0"]


def test_a_refused_key_stops_the_run_with_one_line(cancer: Path, tmp_path: Path) -> None:
    def refused(messages: list[Any]) -> str:
        error = RuntimeError("invalid API key")
        error.status_code = 401  # type: ignore[attr-defined]
        raise error

    with pytest.raises(GomeError, match="invalid API key"):
        run(cancer, tmp_path / "out", ScriptedModel(script=refused))


def test_state_stays_small(cancer: Path, tmp_path: Path) -> None:
    from langgraph.checkpoint.memory import InMemorySaver

    saver = InMemorySaver()
    model = player(lambda facts: fenced(PROGRAM + f"# {facts['step']}\n"))
    graph = build_graph(models=dict.fromkeys(("researcher", "coder", "critic"), model)).compile(
        checkpointer=saver
    )
    config = RunConfig(run_dir=str(tmp_path / "out"), traces=1, steps=4, folds=2, selection_seeds=1)
    graph.invoke({"task": str(cancer)}, {"configurable": {"thread_id": "t"}}, context=config)
    sizes = [
        len(json.dumps(s.values, default=str))
        for s in graph.get_state_history({"configurable": {"thread_id": "t"}})
    ]
    assert max(sizes) < 20_000
