"""What reads bytes that somebody else wrote, and what has to hold whatever they are: one target for each reader.

A target that raises anything but what its reader promises has found something, and so has one that takes more of the
processor's time than its input's size allows.
"""

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from hypothesis import strategies as st

from gome.agents.prompts.edits import diff
from gome.agents.prompts.replies import Choice, CodeReply, Critique, Diagnosis, Judgement
from gome.agents.trying import updated
from gome.state.errors import GomeError
from gome.tools.data.columns import column_kind
from gome.tools.data.tables import read_table
from gome.tools.data.task_folder import load_task
from gome.tools.evaluation.bootstrap import score
from gome.tools.evaluation.evidence import evidence
from gome.tools.evaluation.grading import GradingError
from gome.tools.evaluation.submission import check_submission
from gome.tools.execution.crash import cause, relevant_tail
from gome.tools.execution.log_buffer import LogBuffer
from gome.tools.execution.program_log import parse_log
from gome.tools.models.reply import read_reply
from gome.tools.records.artifacts import Artifacts
from tests.fuzz.target import Target, holdable, pieces
from tests.graded import make_task, table

THOUGHTS = ["<think>", "</think>", "<reasoning>", "</reasoning>", "<THINK>"]
FENCES = ["```", "````", "```python\n", "```json\n", "\n", " ", "~~~"]
JSON = [
    "{", "}", "[", "]", '"', "'", ":", ",", "\\", "\\ud800", "\\u0000", "//", "/*", "1e999", "9" * 400,
    "null", "NaN", '"diagnosis":', '"challenges":', '"hypotheses":', '"statement":', '"scores":',
    '"predicted_gain":', '"plan":', '"accept":', "true", '"fit another model"', '"x",',
]  # fmt: skip
REPLY = '{"diagnosis": "d", "challenges": [{"caption": "c", "statement": "s"}], "hypotheses": [{"statement": "fit more"'
SCHEMAS = (Diagnosis, Critique, Choice, Judgement, CodeReply)


def replies(text: str) -> int:
    for schema in SCHEMAS:
        try:
            reply = read_reply(text, schema)
        except ValueError:
            continue
        if schema is not CodeReply:
            holdable(reply.model_dump())
    return len(text) * len(SCHEMAS)


BLOCKS = [
    "<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n", ">>>>>>> REPLACE", "<<<<<", "=====", "\r\n", "\n",
    "x = 1\n", "    x = 1\n", "y", " ",
]  # fmt: skip
PYTHON = [
    "x = ", "-", "not ", "a", "+", ".b", "(", ")", "[", "]", "{", "}", ":", "lambda: ", "1 if 1 else ", "\n",
    "    ", "if a:\n", "else:\n", "f'", "'", '"""', "*", "await ", "9" * 5000, "\\", "\0", "\ud800", "#",
    "return\n", "x = 1\n", "match a:\n", "with a as b:\n", "@a\n", "def f():\n",
]  # fmt: skip


def edit_blocks(given: tuple[str, str]) -> int:
    program, reply = given
    try:
        changed = updated(CodeReply.from_text(reply), program)
    except ValueError:
        return len(program) + len(reply)
    diff(program, changed)
    return len(program) + len(reply)


def programs(text: str) -> int:
    with suppress(ValueError):
        updated(CodeReply(program=text), None)
    return len(text)


LOG = [
    'GOME {"stage": "a", "seconds": ', 'GOME {"valid_score": ', 'GOME {"importance": {"x": ',
    'GOME {"curve": [[1, ', "GOME ", "}\n", "}}\n", "]]}\n", "1e308", "1" + "0" * 300, "-1e308", "NaN",
    "Infinity", "1.5", "true", '"\\ud800\\u0000"', "[", "{", "\n", "\r", "\x1b[31m", "\x85",
    "Traceback (most recent call last)\n", '  File "main.py", line 1\n',
    '  File "/usr/lib/python3.11/site-packages/x/y.py", line 1\n', "    ", "ValueError: x\n", "\0",
    "CUDA out of memory",
]  # fmt: skip


def program_log(given: bytes) -> int:
    log = LogBuffer()
    for start in range(0, len(given), 4096):
        log.feed(given[start : start + 4096])
    text = log.text()
    facts = parse_log(text)
    holdable(facts)
    stages = facts.get("stages", {})
    assert sum(stages.values()) < float("inf")
    assert "\n" not in cause(text)
    assert len(cause(text)) <= 300
    assert len(relevant_tail(text)) <= 4000
    return len(given)


IDS = list(range(10, 22))
NASTY = [
    "0", "1", "0.5", "-1", "a", "b", "c", "a b c", "", "NaN", "inf", "-inf", "1e308", "1e-308", "1e49",
    "1e51", "9" * 400, "9" * 30, "-" + "9" * 400, "9" * 5000, "True", "1,2", '"', '"x"', "\0", "x\ny", "1_0",
    "0x1", "٣", "2.0", " 1", "1 2 3 4 0.5", "1e308 1e308 1e308 1e308 1", "nan nan nan nan nan", "\ufeff",
]  # fmt: skip
_TRUTH = {
    "rmse": np.arange(12.0),
    "accuracy": [0, 1] * 6,
    "auc": [0, 1] * 6,
    "log_loss": ["a", "b", "c"] * 4,
    "map@3": ["a", "b", "c"] * 4,
    "quadratic_weighted_kappa": [0, 1] * 6,
    "mean_average_precision": ["1 2 3 4"] * 12,
}
_PROBLEMS: dict[str, Any] = {"rmse": "regression", "log_loss": "multiclass", "map@3": "ranking"}
METRICS = ("rmse", "accuracy", "auc", "log_loss", "map@3", "quadratic_weighted_kappa")


@st.composite
def submissions(draw: st.DrawFn) -> tuple[str, bytes]:
    """Mostly of the right shape, so that the later readers get to see something."""
    metric = draw(st.sampled_from(METRICS))
    columns = ["a", "b", "c"] if metric == "log_loss" else ["y"]
    if draw(st.integers(0, 4)) == 0:
        return metric, draw(pieces([*NASTY, "id,y\n", ",", "\n", "10,"])).encode("utf-8", "replace")
    few = draw(st.lists(st.sampled_from(NASTY), min_size=1, max_size=3))
    quoted = [f'"{v}"' if "," in v or "\n" in v else v for v in few]
    rows = [",".join([str(i), *(draw(st.sampled_from(quoted)) for _ in columns)]) for i in IDS]
    text = "\n".join([",".join(["id", *columns]), *rows, ""])
    return metric, text.encode("utf-8", "replace")


def submission(given: tuple[str, bytes]) -> int:
    metric, data = given
    columns: Any = ["a", "b", "c"] if metric == "log_loss" else 1
    task = make_task(metric, _PROBLEMS.get(metric, "binary"), columns)
    names = task.prediction
    sample = table(names, np.zeros((12, len(names))), ids=IDS)
    answers = table(task.target, _TRUTH[metric], ids=IDS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "submission.csv"
        path.write_bytes(data)
        frame, problems = check_submission(path, sample, task)
        holdable([p.replace("\0", "") for p in problems])
        if frame is None:
            assert problems
            return len(data) * 10
        Artifacts(Path(folder) / "artifacts").put_table(frame)
        try:
            holdable(score(task, [(answers, frame)], seed=0))
        except GradingError:
            return len(data) * 10
        found = evidence(task, [(answers, frame)], [answers[["id"]].assign(x=range(12))])
        assert "unread" not in found, found
        holdable(found)
    return len(data) * 10


_TRAIN = "id,x,y\n" + "".join(f"{i},{i % 7},{i % 2}\n" for i in range(60))
_TEST = "id,x\n" + "".join(f"{i},{i % 7}\n" for i in range(60, 90))
_SAMPLE = "id,y\n" + "".join(f"{i},0\n" for i in range(60, 90))
KEYS = [
    "name", "metric", "target", "id", "train", "test", "sample", "problem", "direction", "prediction",
    "classes", "group", "time", "time_limit_s", "program_time_limit_s", "description", "root", "keep", "?",
]  # fmt: skip
PLAIN = [
    "y", "x", "id", "auc", "rmse", "train.csv", "test.csv", "../x", "/etc/passwd", "a:b", "binary", "9" * 400,
    "\0",
]  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.sampled_from(PLAIN)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
GOOD_TASK = {"metric": "auc", "target": "y", "id": "id"}
YAML = [
    "metric: ", "auc", "target: ", "y", "\n", "- ", "{", "[", "&a ", "*a", "!!python/object:x ", "|", ">",
    "'", '"', ": ", "? ", "<<: ", "2001-01-01", "2001-99-99", "1e400", "\t", "%YAML 9\n", "---\n",
]  # fmt: skip
TASK_YAML = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3).map(
    lambda odd: yaml.safe_dump({**GOOD_TASK, **odd}, allow_unicode=True)
) | pieces(YAML).map(lambda text: text[:4000])


def task_yaml(text: str) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "task"
        folder.mkdir()
        for file, content in (("train", _TRAIN), ("test", _TEST), ("sample_submission", _SAMPLE)):
            (folder / f"{file}.csv").write_text(content)
        (folder / "task.yaml").write_bytes(text.encode("utf-8", "replace"))
        try:
            task = load_task(folder, workspace=Path(name) / "laid-out")
        except GomeError:
            return len(text) * 20
        holdable(task.model_dump())
    return len(text) * 20


CELLS = [
    "id", "y", "x", ",", "\n", "\r\n", "\r", '"', '""', "1", "0.5", "2024-01-02", "2024-13-45", "9" * 400,
    "1e400", "inf", "NaN", "\0", "\ufeff", "\ud800", "ÿ", ";", "\t", " ", "True", "a", "\x1a", "9999-99-99",
    "00:00", "x.png",
]  # fmt: skip
TABLES = st.tuples(
    st.sampled_from([".csv", ".csv.gz", ".csv.zip", ".tsv", ".parquet"]),
    pieces(CELLS).map(lambda text: text.encode("utf-8", "replace")) | st.binary(max_size=300),
)


def tables(given: tuple[str, bytes]) -> int:
    suffix, data = given
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t{suffix}"
        path.write_bytes(data)
        try:
            frame = read_table(path)
        except GomeError:
            return len(data) * 10
        for column in frame.columns[:50]:
            column_kind(frame[column])
        assert isinstance(frame, pd.DataFrame)
    return len(data) * 10


TARGETS = (
    Target("replies", pieces([*THOUGHTS, *FENCES, *JSON, REPLY, *BLOCKS]), replies),
    Target("edit blocks", st.tuples(pieces(BLOCKS), pieces([*BLOCKS, *THOUGHTS, *FENCES])), edit_blocks),
    Target("programs", pieces(PYTHON), programs),
    Target(
        "program log",
        pieces(LOG).map(lambda t: t.encode("utf-8", "replace")) | st.binary(max_size=500),
        program_log,
    ),
    Target("submission", submissions(), submission),
    Target("task.yaml", TASK_YAML, task_yaml),
    Target("tables", TABLES, tables),
)
