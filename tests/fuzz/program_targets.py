"""Readers of what a program wrote, a solution, an adapter or a grader: log, submission, answers, files that were left."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from gome.tools.adapters.adapter import read_answers, read_reply, read_units
from gome.tools.adapters.carved import Carved, Unfit
from gome.tools.adapters.form import check_form
from gome.tools.adapters.hidden import check_hidden, of_answers
from gome.tools.data.input_files import InputLinks
from gome.tools.evaluation.bootstrap import score
from gome.tools.evaluation.evidence import evidence
from gome.tools.evaluation.grader_process import GraderFailed, read_value
from gome.tools.evaluation.grading import GradingError
from gome.tools.evaluation.submission import check_submission
from gome.tools.execution.crash import cause, relevant_tail
from gome.tools.execution.log_buffer import LogBuffer
from gome.tools.execution.program_log import parse_log
from gome.tools.records.artifacts import Artifacts
from tests.fuzz.target import Target, holdable, pieces
from tests.graded import make_task, table

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


GRADES = [
    b'{"value": ', b'{"error": ', b"1.5", b"9" * 400, b"1e999", b"NaN", b"null", b'"x"', b"}", b"[", b'"\\ud800\\n"',
    b"\xff", b" ", b"true",
]  # fmt: skip


def grades(line: bytes) -> int:
    said = ""
    try:
        assert isinstance(read_value(line), float)
    except GraderFailed as error:
        said = str(error)
    assert not said or said.isprintable()
    assert len(said) <= 500
    return len(line)


UNITS = [str(i) for i in IDS]
REAL = pd.DataFrame({"id": ["1", "2"], "y": ["0", "0"]})
_GOOD = {
    "reply.json": b'{"public": "/solution/input"}',
    "units.csv": b"id,label\n" + b"".join(b"%d,%d\n" % (i, i % 3) for i in IDS),
    "answers.csv": b"id,y\n" + b"".join(b"%d,%d\n" % (i, i % 3) for i in IDS),
    "carved/sample.csv": b"id,y\n" + b"".join(b"%d,0\n" % i for i in IDS),
}
WORDS = [
    "id",
    "y",
    "unit",
    ",",
    "\n",
    '"',
    *UNITS,
    "0",
    "1",
    "{",
    "}",
    '"error":',
    "x\ny",
    "[",
    ":",
    "\0",
    "\r",
    "ÿ",
]
NAMES = [
    b"a.csv",
    b"a.csv.gz",
    b"a.parquet",
    b"a.zip",
    b"a.tar.gz",
    b"a.json",
    b"x/y.txt",
    b"\xff",
    b"a\nb",
    b"10.png",
    b"x",
]
PLACES = [
    "/solution/input",
    "/solution/input/a.txt",
    "/",
    "..",
    "../../home/key",
    "/solution/input/../home/key",
    "x" * 300,
]
CONTENTS = pieces(WORDS).map(lambda text: text.encode()) | st.binary(max_size=200)
LEFT = st.tuples(
    st.dictionaries(st.sampled_from(sorted(_GOOD)), CONTENTS, max_size=2),
    st.dictionaries(st.sampled_from(NAMES), CONTENTS | st.sampled_from(PLACES), max_size=3),
)


def left_behind(given: tuple[dict[str, bytes], dict[bytes, bytes | str]]) -> int:
    """What an adapter may leave: answers of all its calls, and in the carved folder files and, as text, links."""
    odd, others = given
    with tempfile.TemporaryDirectory() as folder:
        work, public = Path(folder) / "work", Path(folder) / "public"
        (work / "carved" / "x").mkdir(parents=True)
        public.mkdir()
        (public / "a.txt").write_text("a")
        for name, content in {**_GOOD, **odd}.items():
            (work / name).write_bytes(content)
        for name, there in others.items():
            path = os.path.join(os.fsencode(work / "carved"), name)
            if os.path.isdir(path):
                continue
            if isinstance(there, bytes):
                Path(os.fsdecode(path)).write_bytes(there)
            else:
                os.symlink(there, path)
        for read in (read_units, lambda w: read_reply(w, "it"), lambda w: _carved(w, public)):
            with suppress(Unfit):
                read(work)
    sizes = [len(c) for c in (*odd.values(), *others.values())]
    return 10 * sum(sizes)


def _carved(work: Path, public: Path) -> None:
    carved = Carved(work.with_name("fold"), read_answers(work))
    carved.take(
        work, str(read_reply(work, "carve()").get("public")), InputLinks(public, work.with_name("copies"))
    )
    holdable(carved.names)
    units = check_form(carved, "sample.csv", ["id"], REAL, UNITS)
    check_hidden(carved.folder, carved.names, of_answers(carved.answers, units, ["id"], ["y"]))


PROGRAM_TARGETS = (
    Target(
        "program log",
        pieces(LOG).map(lambda t: t.encode("utf-8", "replace")) | st.binary(max_size=500),
        program_log,
    ),
    Target("submission", submissions(), submission),
    Target(
        "grades", st.lists(st.sampled_from(GRADES) | st.binary(max_size=4), max_size=8).map(b"".join), grades
    ),
    Target("left by adapters", LEFT, left_behind, examples=20),
)
