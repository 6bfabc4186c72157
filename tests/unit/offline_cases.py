"""Facts of tasks of many kinds, and a trace played out against the offline reasoner without running a program."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import BaseModel

from gome.agents.prompts.context import history_context
from gome.agents.prompts.render import render
from gome.agents.prompts.replies import (
    Choice,
    CodeReply,
    Diagnosis,
    HypothesisReply,
    Judgement,
)
from gome.agents.trying import updated
from gome.offline.case import tag_of
from gome.offline.model import OfflineReasoner
from gome.state.parts import SCORE_WEIGHTS
from gome.tools.models.reply import read_reply

PACKAGES = {"lightgbm": "4.6", "xgboost-cpu": "3.0", "scikit-learn": "1.7", "optuna": "4.5", "pandas": "3.0"}
SKLEARN_ONLY = {"scikit-learn": "1.7", "pandas": "3.0"}
BUDGET = {"steps_left": 20, "seconds_left": 40_000, "program_time_limit_s": 3600}
ROLES = {"diagnose": "researcher", "choose": "researcher", "judge": "critic"}
TEXTS: dict[str, dict[str, Any]] = {
    "diagnose": {"scenario_challenges": 3, "history_challenges": 0},
    "choose": {"diagnosis": "The incumbent is plain."},
    "debug": {"split": "smoke", "traceback": "ValueError: no", "earlier": []},
    "judge": {"diff": "-a\n+b"},
}


def column(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "missing": 0.0, "unique": 50, "drift": 0.01, **more}


NUMBERS = [
    column("Area", "number", skew=2.5, missing=0.1),
    column("year", "integer", skew=0.1),
    column("rooms", "integer", skew=0.3),
    column("Garage Area", "number", skew=1.4),
]
CATEGORIES = [
    column("town", "category", unique=90, examples=["Ely", "Bath"]),
    column("cabin", "category", unique=140, missing=0.7, examples=["C85", "B42"]),
    column("sex", "category", unique=2, examples=["f", "m"]),
]
ID = column("id", "id", unique=1000)
TABLE = [ID, *NUMBERS, *CATEGORIES]
PLANES = {"name": "planes.csv", "rows": 85, "columns": ["town", "year", "seats", "engine"]}
WEATHER = {"name": "weather.csv", "rows": 9000, "columns": ["year", "rooms", "wind", "rain", "snow"]}


def _case(metric: str, problem: str, columns: list[dict], classes: list[str], **more: Any) -> dict[str, Any]:
    target = more.pop("target", ["y"])
    task = {
        "name": "a task",
        "metric": metric,
        "direction": more.pop("direction", "minimize"),
        "problem": problem,
        "target": target,
        "id": "id",
        "ids": ["id"],
        "prediction": more.pop("prediction", target),
        "classes": classes,
        "form": None,
        "group": None,
        "time": None,
        "train": "train.csv",
        "test": "test.csv",
        "sample": "sample.csv",
    }
    counts = more.pop("counts", dict.fromkeys(classes, 100))
    about = {"kind": "number", "min": 1.0, "skew": more.pop("skew", 0.0), "counts": counts}
    data = {"rows": 1200, "columns": columns, "target": dict.fromkeys(target, about), "tables": [], **more}
    return {"task": task, "data": data}


CASES = {
    "skewed target": _case("rmsle", "regression", TABLE, [], skew=3.0),
    "missing values": _case("auc", "binary", TABLE, ["0", "1"], direction="maximize"),
    "rare labels": _case(
        "f1_macro",
        "multiclass",
        TABLE,
        ["a", "b", "c"],
        direction="maximize",
        rows=30_000,
        counts={"a": 9000, "b": 800, "c": 200},
    ),
    "class shares": _case("log_loss", "multiclass", TABLE, ["a", "b"], prediction=["p_a", "p_b"]),
    "many answers": _case("auc", "multilabel", TABLE, [], target=["red", "blue"], direction="maximize"),
    "texts": _case(
        "log_loss", "binary", [ID, column("body", "text", examples=["On Tue, 23 Jul"])], ["0", "1"]
    ),
    "texts and table": _case("rmse", "regression", [*TABLE, column("note", "text", examples=["good 1"])], []),
    "pictures": _case(
        "accuracy",
        "multiclass",
        [ID, column("photo", "image", image_size=[28, 28, 1])],
        ["bag", "coat", "shoe"],
        direction="maximize",
    ),
    "files of the rows": _case("auc", "binary", [ID], ["0", "1"], direction="maximize"),
    "several tables": _case("rmse", "regression", TABLE, [], tables=[PLANES, WEATHER]),
    "grades": _case("qwk", "multiclass", TABLE, ["1", "2", "3"], direction="maximize"),
}
EVIDENCE = {
    "loss": "rmse",
    "pooled": 0.21,
    "rows": 900,
    "worst_slices": [{"column": "town", "slice": "Ely", "rows": 80, "loss": 0.55, "z": 5.1}],
    "confusion": [{"true": "b", "predicted": "a", "rows": 60, "share": 0.4}],
    "residuals": {
        "target": "y",
        "bias": -0.01,
        "rmse": 0.2,
        "bins": [
            {"from": i, "to": i + 1, "rows": 90, "bias": -0.01 * i, "rmse": 0.1 + 0.2 * (i == 4)}
            for i in range(5)
        ],
    },
    "calibration": [
        {"predicted": 0.02, "observed": 0.15, "rows": 90},
        {"predicted": 0.98, "observed": 0.8, "rows": 90},
    ],
}


def facts_of(name: str, *, trace: int = 0, step: int = 0, **more: Any) -> dict[str, Any]:
    stage = "draft" if step == 0 else "improve"
    case = CASES[name]
    return {
        **case,
        "task": {**case["task"], "text_columns": [case["task"]["id"]]},
        "trace": trace,
        "traces": 3,
        "step": step,
        "stage": stage,
        "seed": 1000 * trace + step,
        "hardware": {"cpus": 2, "memory_gb": 8.0, "gpu": None},
        "budget": BUDGET,
        "splits": {"search": {"folds": 5, "trains_on": 960, "graded": 240}},
        "packages": PACKAGES,
        "history": [],
        "siblings": [],
        "momentum": [],
        **more,
    }


def ask(call: str, facts: dict[str, Any], schema: type[BaseModel], program: str | None = None) -> Any:
    prompt = render(
        ROLES.get(call, "coder"),
        call,
        facts,
        private=False,
        program=program,
        description="A task.",
        **TEXTS.get(call, {}),
    )
    reply = OfflineReasoner().invoke([SystemMessage(prompt.system), HumanMessage(prompt.user)])
    return read_reply(str(reply.content), schema)


def incumbent(seconds: float = 4.0, **logged: Any) -> dict[str, Any]:
    return {
        "step": 0,
        "score": 0.2,
        "stderr": 0.01,
        "folds": [0.19, 0.21],
        "fold_seconds": seconds,
        "fold_cpu_seconds": None,
        "peak_mb": 200.0,
        "facts": logged,
    }


@dataclass
class Play:
    """One trace, step by step: verdicts fall as `rng` says, nothing is run."""

    name: str
    trace: int = 0
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    packages: dict[str, str] = field(default_factory=lambda: PACKAGES)
    budget: dict[str, int] = field(default_factory=lambda: BUDGET)
    accepts: float = 0.5
    program: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    programs: list[str] = field(default_factory=list)

    def context(self, **more: Any) -> dict[str, Any]:
        step = len(self.history)
        own = {"packages": self.packages, "budget": self.budget}
        facts = facts_of(self.name, trace=self.trace, step=step, **own, **more)
        facts["history"] = history_context({"trace": self.trace, "records": self.history})
        if self.program:
            facts["incumbent"] = incumbent(
                train_score=0.05, valid_score=0.2, importance={"rooms": 0.5, "town": 0.3}
            )
        return facts

    def diagnosis(self, **more: Any) -> Diagnosis:
        evidence = {"evidence": EVIDENCE} if self.program else {}
        diagnosis = ask("diagnose", self.context(**evidence, **more), Diagnosis, self.program)
        assert isinstance(diagnosis, Diagnosis)
        return diagnosis

    def choice(self, hypotheses: list[HypothesisReply]) -> Choice:
        """As the harness asks it: without the data profile."""
        choices = [
            {"index": i, **h.model_dump(), "weighted": round(h.weighted(), 2)}
            for i, h in enumerate(hypotheses)
        ]
        facts = self.context(choices=choices)
        del facts["data"]
        choice = ask("choose", facts, Choice, self.program)
        assert isinstance(choice, Choice)
        return choice

    def step(self) -> str:
        """Diagnose, choose, write, judge; returns the tag of the change."""
        choice = self.choice(self.diagnosis().hypotheses)
        facts = self.context(hypothesis=choice.hypothesis.model_dump(), plan=choice.plan)
        program = updated(
            ask("edit" if self.program else "draft", facts, CodeReply, self.program), self.program
        )
        accepted = self.program is None or self.rng.random() < self.accepts
        self._judge(choice.hypothesis, program, accepted)
        self.programs.append(program)
        tag = tag_of(choice.hypothesis.statement)
        self.history.append(
            {
                "trace": self.trace,
                "step": len(self.history),
                "hypothesis": choice.hypothesis.statement,
                "component": choice.hypothesis.component,
                "verdict": "accepted" if accepted else "rejected",
                "gain": 0.01 if accepted else -0.01,
                "gain_se": 1.0 if accepted else -1.0,
                "predicted_gain": choice.hypothesis.predicted_gain,
            }
        )
        if accepted:
            self.program = program
        assert tag
        return tag

    def _judge(self, hypothesis: HypothesisReply, program: str, better: bool) -> None:
        gain = 0.02 if better else -0.02
        comparison = (
            {
                "gain": gain,
                "stderr": 0.005,
                "low": gain - 0.01,
                "high": gain + 0.01,
                "p_better": 0.99 * better,
            }
            if self.program
            else None
        )
        facts = self.context(
            hypothesis=hypothesis.model_dump(),
            candidate={"value": 0.2, "stderr": 0.01, "folds": [0.2], "fold_seconds": 8.0, "peak_mb": 200.0},
            comparison=comparison,
            tie=False,
            clearly_better=better,
        )
        judgement = ask("judge", facts, Judgement, program)
        assert judgement.accept == better
        assert json.dumps(judgement.model_dump())


def weights_hold(hypothesis: HypothesisReply) -> bool:
    return set(hypothesis.scores) == set(SCORE_WEIGHTS) and all(
        1 <= v <= 10 for v in hypothesis.scores.values()
    )
