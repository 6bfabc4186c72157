"""Predictions for new rows by what a run handed over: the same as its submission, and never silently others."""

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

from gome.cli.main import main
from gome.tools.execution.environment.runtime import ensure_runtime
from tests.adapter_tasks import png
from tests.quick import PROGRAM
from tests.real_tasks import write_diabetes, write_task
from tests.solutions import handed_over

pytestmark = pytest.mark.slow
THREE = PROGRAM.replace("[:1]", "[:3]")
STAGED = """\
# gome: keeps_model=1
import csv, json, os

stage = os.environ.get("GOME_STAGE")
if stage == "predict":
    mean = json.load(open("model/mean.json"))
else:
    y = [float(r["progression"]) for r in csv.DictReader(open("input/train.csv"))]
    mean = sum(y) / len(y)
if stage == "fit":
    os.mkdir("model")
    json.dump(mean, open("model/mean.json", "w"))
else:
    sample = list(csv.reader(open("input/sample_submission.csv")))
    with open("submission.csv", "w", newline="") as out:
        csv.writer(out).writerows([sample[0], *([row[0], mean] for row in sample[1:])])
"""
FORGETFUL = STAGED.replace("dump(mean", "dump(mean + 1")
PEEKING = STAGED.replace('if stage == "predict":', 'if stage == "predict":\n    open("input/train.csv")')

MERGED = PROGRAM.replace("[:1]", "[:2]").replace(
    "rows.writerow([r[sample[0]], mean",
    """near = min(train, key=lambda t: abs(float(t["bp"]) - float(r["bp"])))  # of the other trace
        rows.writerow([r[sample[0]], 0.2 * float(near["progression"]) + 0.8 * mean""",
)
WORDS = """\
import csv
from collections import Counter

train = list(csv.DictReader(open("input/train.csv", newline="")))
test = list(csv.DictReader(open("input/test.csv", newline="")))
counts = {label: Counter(w for r in train if r["liked"] == label for w in r["review"].split()) for label in ("0", "1")}
with open("submission.csv", "w", newline="") as out:
    rows = csv.writer(out)
    rows.writerow(["id", "liked"])
    for r in test:
        yes, no = (1 + sum(counts[label][w] for w in r["review"].split()) for label in ("1", "0"))
        rows.writerow([r["id"], yes / (yes + no)])
"""
SHADES = """\
import csv
import zlib

def shade(path):
    data = open(path, "rb").read()
    start = data.index(b"IDAT") + 4
    pixels = zlib.decompress(data[start : data.rindex(b"IEND") - 8])
    return sum(pixels) / len(pixels)

train = [(shade(f"input/train/{r['id']}.png"), float(r["age"])) for r in csv.DictReader(open("input/train.csv"))]
with open("submission.csv", "w", newline="") as out:
    rows = csv.writer(out)
    rows.writerow(["id", "age"])
    for r in csv.DictReader(open("input/test.csv")):
        here = shade(f"input/test/{r['id']}.png")
        rows.writerow([r["id"], min(train, key=lambda known: abs(known[0] - here))[1]])
"""


def write_reviews(folder: Path) -> Path:
    """Texts with commas, quotes, line breaks and other letters, of which two words tell the label."""
    rng = np.random.default_rng(0)
    liked = rng.integers(0, 2, 80)
    words = ['said "no"', "zwei, drei", "line\nbreak", "naïve", "ok"]
    texts = [f"{rng.choice(words)} {('bad', 'good')[label]} {rng.choice(words)}" for label in liked]
    return write_task(folder, pd.DataFrame({"review": texts, "liked": liked}), "liked", "log_loss")


def write_portraits(folder: Path) -> Path:
    """Pictures whose shade tells a number; the tables have ids alone."""
    shades = np.random.default_rng(0).integers(20, 200, 80)
    write_task(folder, pd.DataFrame({"age": shades / 2}), "age", "mae")
    for part in ("train", "test"):
        (folder / part).mkdir()
        for row in pd.read_csv(folder / f"{part}.csv")["id"]:
            pixels = np.full((6, 6), shades[row]) + np.arange(36).reshape(6, 6)
            (folder / part / f"{row}.png").write_bytes(png(pixels))
    return folder


def true_rows(task: Path) -> pd.DataFrame:
    """The task's test rows with their labels, which the task does not have."""
    table = load_diabetes(as_frame=True).frame
    test = pd.read_csv(task / "test.csv")
    return test.assign(progression=table["target"].to_numpy()[test["id"]])


def test_the_tasks_own_test_rows_come_out_as_its_submission(
    diabetes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    for name, programs in (
        ("single", {"0:0": (STAGED, 1.0)}),
        (
            "ensemble",
            {"0:0": (STAGED, 0.2), "1:2": (THREE, 0.5), "2:0": (FORGETFUL, 0.2), "3:0": (PEEKING, 0.1)},
        ),
    ):
        run = handed_over(diabetes, tmp_path / name, programs)
        submission = (run / "solution" / "submission.csv").read_bytes()
        assert main(["predict", str(run), str(diabetes / "test.csv"), "-o", str(out)]) == 0
        assert out.read_bytes() == submission
        assert not list(run.glob(".rerun-*"))
    said = capsys.readouterr().err
    for line in (
        "0:0 is fitted once on all of the data, to keep its model",
        "1:2 is fitted again on all of the data: the program keeps no model",
        "2:0 is fitted again on all of the data: by its model it predicts the test rows otherwise",
        "3:0 is fitted again on all of the data: its second stage failed: ended with exit code 1: FileNotFoundError",
    ):
        assert line in said
    check_export(run, diabetes, tmp_path / "exported")
    capsys.readouterr()
    rows = true_rows(diabetes).sample(40, random_state=0)
    rows.assign(more=1).to_parquet(tmp_path / "rows.parquet", index=False)
    assert main(["predict", str(run), str(tmp_path / "rows.parquet"), "-o", str(out)]) == 0
    said = capsys.readouterr()
    assert "once" not in said.err
    given = pd.read_csv(out)
    assert given["id"].tolist() == rows["id"].tolist()
    whole = pd.read_csv(run / "solution" / "submission.csv").set_index("id")["progression"]
    assert np.allclose(given["progression"], whole[given["id"]], rtol=1e-12)
    rmse = np.sqrt(((given["progression"].to_numpy() - rows["progression"].to_numpy()) ** 2).mean())
    assert f"rmse {rmse:.1f} ± " in said.out
    assert "on 40 rows with labels (smaller is better)" in said.out
    assert "left out of rows.parquet, as test.csv has no such columns: more" in said.err


def in_the_runtime(script: Path, *arguments: Path | str) -> subprocess.CompletedProcess[str]:
    """A script run by the programs' own interpreter, which knows nothing of Gome."""
    command = [str(ensure_runtime().python), str(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={"PATH": os.defpath}, timeout=120)


def check_the_same_comes_out(run: Path, task: Path, folder: Path) -> None:
    """What is exported gives the run's submission by itself, byte for byte."""
    assert main(["export", str(run), str(folder)]) == 0
    asked = subprocess.run([ensure_runtime().python, "-Ic", "import gome"], capture_output=True)
    assert b"No module named 'gome'" in asked.stderr
    assert "python train.py DATA" in in_the_runtime(folder / "predict.py", task / "test.csv").stderr
    done = in_the_runtime(folder / "train.py", task)
    assert (done.returncode, done.stderr) == (0, "")
    done = in_the_runtime(folder / "predict.py", task / "test.csv", "-o", folder / "out.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "out.csv").read_bytes() == (run / "solution" / "submission.csv").read_bytes()


@pytest.mark.parametrize(
    ("write", "program"),
    [(write_diabetes, MERGED), (write_reviews, WORDS), (write_portraits, SHADES)],
    ids=["merged", "text", "pictures"],
)
def test_a_merged_program_texts_and_pictures_come_out_the_same(
    write: Callable[[Path], Path], program: str, tmp_path: Path
) -> None:
    task = write(tmp_path / "task")
    run = handed_over(task, tmp_path / "run", {"0:2": (program, 1.0)})
    submission = pd.read_csv(run / "solution" / "submission.csv")
    assert submission.iloc[:, 1].nunique() > 2
    assert main(["predict", str(run), str(task / "test.csv"), "-o", str(tmp_path / "out.csv")]) == 0
    assert (tmp_path / "out.csv").read_bytes() == (run / "solution" / "submission.csv").read_bytes()
    check_the_same_comes_out(run, task, tmp_path / "exported")


def check_export(run: Path, task: Path, folder: Path) -> None:
    """What is exported gives the run's submission by itself, and refuses what it cannot predict."""
    check_the_same_comes_out(run, task, folder)
    pd.read_csv(task / "test.csv").astype({"bmi": str}).assign(bmi="high").to_csv(
        folder / "odd.csv", index=False
    )
    done = in_the_runtime(folder / "predict.py", folder / "odd.csv")
    assert done.returncode == 2
    assert "row 1: 'bmi' is 'high' where the programs know numbers" in done.stderr
    card = (folder / "MODEL_CARD.md").read_text()
    assert "rmse (smaller is better)" in card
    assert hashlib.sha256((task / "train.csv").read_bytes()).hexdigest() in card
    assert "`programs/1-2.py` | weight 0.5; keeps no model" in (folder / "README.md").read_text()
    assert "pandas==" in (folder / "requirements.txt").read_text()


def test_a_program_that_fails_on_the_rows_is_told(
    diabetes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picky = f"{PROGRAM}\nif len(test) < 20:\n    raise SystemExit('too few rows')\n"
    run = handed_over(diabetes, tmp_path / "run", {"0:0": (picky, 1.0)})
    pd.read_csv(diabetes / "test.csv").head(3).to_csv(tmp_path / "few.csv", index=False)
    assert main(["predict", str(run), str(tmp_path / "few.csv")]) == 2
    assert "0:0 failed on these rows: ended with exit code 1: too few rows" in capsys.readouterr().err
