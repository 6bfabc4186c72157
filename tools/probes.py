"""Probes: small programs of the researcher, run on what programs may see; their predictions are graded by the harness.

A probe finds the last search fold as a program does: labelled rows to learn from, and rows without labels, the locked
part among them (`gome.tools.locked_part`). Beside it lie the accepted programs of all traces, their logs, and their
out-of-fold predictions, with the truths of the graded search rows that are not locked. The truths of the locked part,
the selection part and the real answers are in none of it.
"""

import hashlib
import json
import secrets
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from scipy.special import ndtri
from typing_extensions import TypedDict

from gome.state.errors import GomeError
from gome.state.parts import Comparison, Evaluation
from gome.state.plain import JsonObject
from gome.state.step import StepRecord
from gome.tools import probe_helper
from gome.tools.data.input_files import InputLinks
from gome.tools.data.inputs import laid_out
from gome.tools.data.task_files import laid_files
from gome.tools.evaluation.bootstrap import FoldPredictions, compare, score
from gome.tools.evaluation.metric import GradingError
from gome.tools.evaluation.submission import check_submission
from gome.tools.evaluator import Evaluator
from gome.tools.execution.job import Job, Outcome
from gome.tools.execution.resources import resources_of
from gome.tools.execution.scheduler import run_to_its_end
from gome.tools.execution.workspace import remove_work_dir
from gome.tools.interruption import Interruption
from gome.tools.models.tool_calls import capped
from gome.tools.records.history import History, latest_in_turn
from gome.tools.records.jsonl import write_json
from gome.tools.wording import waiting_words

WALL_S, OUTPUT_CHARS, OUTPUT_MB = 60.0, 6000, 256.0
MOST_PROGRAMS, MOST_VARIANTS = 12, 50
FOLDER, VARIANT = "evidence", "gome_variant"
_PROLOGUE = "import sys; sys.path.append('input/{folder}')\n"


class Probed(TypedDict):
    """What a probe brought: `output` as the researcher is shown it, `variants` that the harness graded, `seconds` it
    took. `program` and `log` are artifact references."""

    program: str
    log: str
    output: str
    variants: list[str]
    seconds: float


class Probes:
    """Runs the probes of all traces. One that has finished is kept by its step and its text, and not run again."""

    def __init__(self, evaluator: Evaluator, history: History) -> None:
        self.evaluator, self.history = evaluator, history
        self.folder = evaluator.run_dir / "probes"
        self._judged: dict[str, int] = {}  # by probe, each read once: every comparison asks

    @property
    def judged(self) -> int:
        """How many variants were graded on the locked part so far, in all traces."""
        for path in self.folder.glob("*.json"):
            if path.name not in self._judged:
                self._judged[path.name] = len(json.loads(path.read_text())["variants"])
        return sum(list(self._judged.values()))  # a copy: other traces add to it

    def run(
        self,
        program: str,
        before: Sequence[Probed],
        *,
        trace: int,
        step: int,
        against: Evaluation | None,
        told: Callable[[str], str] | None = None,
    ) -> Probed:
        """The probe's outcome. `before` are the probes of the step so far, `against` the evaluation of its incumbent.

        `told`: nothing that it prints is shown but what this makes of the log where it failed, and of its variants only
        figures, and names that stand in its text: what a program computed may quote cells.

        Raises RunStopped when asked to stop, BudgetReached when the search's time is used up.
        """
        digest = hashlib.sha256(program.encode("utf-8", "replace")).hexdigest()[:20]
        path = self.folder / f"{trace}-{step}-{digest}.json"
        if path.is_file():
            return cast(Probed, json.loads(path.read_text()))
        outcome, log = self._ran(program, trace, against)
        variants = [name for probed in before for name in probed["variants"]]
        graded, named = self._graded(outcome, against, len(variants), program if told else None)
        artifacts = self.evaluator.artifacts
        took = f"It took {outcome.seconds:.3g} s{waiting_words(outcome.seconds, outcome.cpu_seconds)}."
        ended = "" if outcome.reason == "ok" else f" It was ended: {outcome.limit or outcome.reason}."
        printed = capped(log.strip() or "(it printed nothing)", OUTPUT_CHARS)
        if told:
            printed = told(log) if ended else ""
        output = "\n\n".join(filter(None, [printed, took + ended, graded]))
        probed = Probed(
            program=artifacts.put_text(program, "py"),
            log=artifacts.put_text(log, "log"),
            output=output,
            variants=named,
            seconds=round(outcome.seconds, 2),
        )
        if outcome.submission:
            remove_work_dir(outcome.submission.parent)
        self.folder.mkdir(exist_ok=True)
        write_json(path, probed)
        return probed

    def _ran(self, program: str, trace: int, against: Evaluation | None) -> tuple[Outcome, str]:
        harness = self.evaluator
        harness.budget.begin("smoke", "probe")
        input_dir, folder = self._laid_out()
        source = harness.artifacts.put_text(_PROLOGUE.format(folder=folder) + program, "py")
        (harness.run_dir / "work").mkdir(exist_ok=True)
        work = harness.run_dir / "work" / secrets.token_hex(8)
        job = Job(
            program=harness.artifacts.path(source),
            input_dir=input_dir,
            work_dir=work,
            seed=harness.seed,
            wall_s=min(WALL_S, harness.limits.wall_s),
            memory_mb=harness.limits.memory_mb,
            output_mb=OUTPUT_MB,
            resources=resources_of(program),
            shown=harness.inputs.shown,
        )
        cut = Interruption("search", harness.budget, harness.stop, dropped=lambda: False)
        outcome = run_to_its_end(harness.scheduler, job, trace=trace, stop=cut)
        if outcome.reason == "stopped":
            remove_work_dir(work)
            cut.after()
        return outcome, outcome.log

    def _graded(
        self, outcome: Outcome, against: Evaluation | None, tried: int, text: str | None
    ) -> tuple[str, list[str]]:
        """What is said of the variants that the probe had judged, and their names; whatever it wrote is its own fault.
        Given its `text`, nothing else that it wrote is said."""
        if outcome.submission is None:
            return "", []
        try:
            table = pd.read_csv(outcome.submission, dtype=str, keep_default_na=False)
            found = list(table.groupby(VARIANT, sort=False))[:MOST_VARIANTS]
            parts = [(_name_of(str(name), n, text), part) for n, (name, part) in enumerate(found, 1)]
            bare = text is not None
            lines = self._lines(parts, against, bare=bare)
        except (GomeError, OSError):  # the task's and the machine's
            raise
        except Exception as error:  # what a program wrote ends no run
            return f"What it handed to judge() cannot be read: {type(error).__name__}.", []
        count = tried + len(lines)
        chance = ndtri((count - 0.375) / (count + 0.25)) if count > 1 else 0.0
        warning = (
            f" The best of {count} without any effect gains about {chance:.1f} standard errors by chance."
        )
        head = (
            f"Graded on the locked part; variants judged in this step: {count}, in this run: "
            f"{self.judged + len(lines)}.{warning if count > 1 else ''}"
        )
        return "\n".join([head, *lines]), [name for name, _ in parts]

    def _lines(
        self, parts: Sequence[tuple[str, pd.DataFrame]], against: Evaluation | None, *, bare: bool
    ) -> list[str]:
        """The figures of each variant beside those of the incumbent, or of the first variant where there is none."""
        harness, locked = self.evaluator, self.evaluator.locked
        before = locked.alone(harness.predictions(against)[locked.fold]) if against else None
        beside, lines = "incumbent" if against else "first variant that was graded here", []
        for name, part in parts:
            after, said = self._scored(name, part.drop(columns=VARIANT), bare=bare)
            if before and after:
                gain = compare(harness.task, before, after, seed=harness.seed)
                said += f"; gain on the {beside}, same rows, positive is better: {_gain_words(gain)}"
            before = before or after
            lines.append(said)
        return lines

    def _scored(self, name: str, part: pd.DataFrame, *, bare: bool) -> tuple[list[FoldPredictions], str]:
        """A variant's predictions on the locked part, none where they cannot be graded, and its score in words; `bare`:
        no word of what stands in its predictions."""
        harness, locked = self.evaluator, self.evaluator.locked
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "submission.csv"
            part.to_csv(path, index=False)
            sample = harness.inputs.sample("search", locked.fold)
            frame, problems = check_submission(path, sample, harness.task)
        if frame is None:
            why = "not of the form of the sample submission" if bare else problems[0]
            return [], f"- {name}: not graded: {why}"
        after = locked.alone((harness.inputs.answers("search", locked.fold), frame))
        try:
            value = score(harness.task, after, seed=harness.seed)
        except GradingError as error:
            return [], f"- {name}: not graded{'' if bare else f': {error}'}"
        return after, f"- {name}: {harness.task.metric} {value['value']:.6g} ± {value['stderr']:.2g}"

    def _laid_out(self) -> tuple[Path, str]:
        """The folder of a probe, made of links, and the name of the evidence in it; a new one for each accepted step."""
        accepted = latest_in_turn([r for r in self.history.accepted() if r.counts and r.code], MOST_PROGRAMS)
        state = hashlib.sha256(json.dumps([r.code for r in accepted]).encode()).hexdigest()[:12]
        search = self.evaluator.inputs.input_dir("search", self.evaluator.locked.fold)
        name = FOLDER
        while (search / name).exists():
            name += "_"

        def fill(folder: Path) -> None:
            inputs = self.evaluator.inputs
            links = InputLinks(search, self.evaluator.run_dir / "inputs" / ".copies" / "probes", inputs.shown)
            for file in laid_files(search):
                links.link(file, folder / file)
            evidence = folder / name
            evidence.mkdir()
            helper = Path(probe_helper.__file__).read_text(encoding="utf-8")
            filled = helper.replace("@SAMPLE@", self.evaluator.task.sample).replace("@VARIANT@", VARIANT)
            (evidence / "probe.py").write_text(filled, encoding="utf-8")
            rows = [self._evidence(record, evidence) for record in accepted]
            write_json(evidence / "programs.json", rows)

        return laid_out(self.evaluator.run_dir, f"probes-{state}", 0, fill), name

    def _evidence(self, record: StepRecord, folder: Path) -> JsonObject:
        """Write a program, its log and its out-of-fold predictions beside the truths; what is said of it."""
        artifacts, stem = self.evaluator.artifacts, f"{record.trace}-{record.step}"
        assert record.code
        assert record.evaluation
        (folder / f"{stem}.py").write_text(artifacts.get_text(record.code), encoding="utf-8")
        (folder / f"{stem}.log").write_text(
            artifacts.get_text(str(record.evaluation["log"])), encoding="utf-8"
        )
        said: JsonObject = {"program": f"{stem}.py", "score": record.value, "hypothesis": record.statement}
        folds = enumerate(self.evaluator.predictions(record.evaluation))
        parts = [_fold_rows(n, *fold, self.evaluator.locked.mask(n, fold[0])) for n, fold in folds]
        pd.concat(parts, ignore_index=True).to_csv(folder / f"{stem}.csv", index=False)
        return said


def _gain_words(gain: Comparison) -> str:
    if gain["gain"] == 0 == gain["stderr"]:
        return "none, the same predictions"
    times = gain["gain"] / gain["stderr"] if gain["stderr"] > 0 else 0.0
    return f"{gain['gain']:+.4g} ± {gain['stderr']:.2g} ({times:+.1f} standard errors)"


def _name_of(name: str, number: int, text: str | None) -> str:
    """The name of a variant; given the probe's `text`, only if it stands there in quotes."""
    return name if text is None or f'"{name}"' in text or f"'{name}'" in text else f"variant {number}"


def _fold_rows(
    number: int, answers: pd.DataFrame, predicted: pd.DataFrame, locked: np.ndarray
) -> pd.DataFrame:
    """Rows of one fold: id, `truth_` (empty in `locked` rows) and `prediction_` columns, `fold`, `locked`."""
    key = predicted.columns[0]
    truths = answers.drop(columns=key, errors="ignore").add_prefix("truth_").reset_index(drop=True)
    guesses = predicted.drop(columns=key).add_prefix("prediction_").reset_index(drop=True)
    hidden = truths.astype(object).mask(np.repeat(locked[:, None], truths.shape[1], axis=1))
    rows = pd.concat([predicted[[key]].reset_index(drop=True), hidden, guesses], axis=1)
    return rows.assign(fold=number, locked=locked.astype(int))
