"""gome grade: MLE-bench's score, medals and report, by packs of our own. Ranks are those of a table made by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from gome.cli.main import main
from gome.tools.evaluation.medals import above_median, medal_of, medal_ranks, thresholds

BY_HAND = [  # teams, last rank of gold, silver, bronze: from the rule's own words, with floors
    (1, 1, 1, 1),
    (4, 1, 1, 1),
    (5, 1, 1, 2),
    (9, 1, 1, 3),
    (10, 1, 2, 4),
    (19, 1, 3, 7),
    (20, 2, 4, 8),
    (99, 9, 19, 39),
    (100, 10, 20, 40),
    (101, 10, 20, 40),
    (249, 10, 49, 99),
    (250, 10, 50, 100),
    (499, 10, 50, 100),
    (500, 11, 50, 100),
    (999, 11, 50, 100),
    (1000, 12, 50, 100),
    (1499, 12, 74, 149),
    (1500, 13, 75, 150),
    (4000, 18, 200, 400),
]
GRADE = """\
import pandas as pd
from mlebench.grade_helpers import InvalidSubmissionError
from mlebench.competitions.tiny_error import mean_error


def grade(submission: pd.DataFrame, answers: pd.DataFrame) -> float:
    if list(submission.columns) != ["id", "y"]:
        raise InvalidSubmissionError("columns id and y are needed")
    return mean_error(submission, answers)
"""
ERROR = "def mean_error(given, truth):\n    return (given['y'] - truth['y']).abs().mean()\n"


@pytest.mark.parametrize(("teams", "gold", "silver", "bronze"), BY_HAND)
def test_the_ranks_of_medals(teams: int, gold: int, silver: int, bronze: int) -> None:
    assert medal_ranks(teams) == {"gold": gold, "silver": silver, "bronze": bronze}


def test_thresholds_count_as_reached_and_the_median_does_not() -> None:
    scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]  # gold .9, silver .8, bronze .6, median .45
    needed = thresholds(scores)
    given = [(0.95, "gold"), (0.9, "gold"), (0.89, "silver"), (0.8, "silver"), (0.6, "bronze"), (0.59, None)]
    for score, medal in given:
        assert medal_of(score, needed, lower=False) == medal
    assert not above_median(0.45, scores, lower=False)
    assert above_median(0.46, scores, lower=False)
    assert medal_of(0.05, thresholds(scores[::-1]), lower=True) == "silver"
    assert above_median(0.44, scores[::-1], lower=True)


def write_pack(folder: Path, *, inside: bool = False) -> Path:
    """A competition with a name that Python has no word for; `inside` a checkout, whose modules it imports."""
    pack = folder / "mlebench" / "competitions" / "a-tiny-one" if inside else folder / "a-tiny-one"
    pack.mkdir(parents=True)
    (pack / "config.yaml").write_text(
        "id: a-tiny-one\nname: A tiny one\ngrader:\n  name: mean-error\n"
        "  grade_fn: mlebench.competitions.a-tiny-one.grade:grade\n"
    )
    where = "mlebench.metrics" if inside else ".error"
    (pack / "grade.py").write_text(GRADE.replace("mlebench.competitions.tiny_error", where))
    (folder / "mlebench" / "metrics.py" if inside else pack / "error.py").write_text(ERROR)
    rows = "".join(f"team{i},{i / 10}\n" for i in range(1, 11))  # gold .1, silver .2, bronze .4, median .55
    (pack / "leaderboard.csv").write_text(f"teamId,score\n{rows}")
    (folder / "answers.csv").write_text("id,y\n1,1\n2,1\n3,1\n")
    return pack


def graded(capsys: pytest.CaptureFixture[str], pack: Path, submission: str) -> tuple[int, Any, str]:
    folder = pack.parents[2] if pack.parent.name == "competitions" else pack.parent
    (folder / "submission.csv").write_text(submission)
    words = [str(folder / "submission.csv"), "--pack", str(pack), "--answers", str(folder / "answers.csv")]
    code = main(["grade", *words, "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


@pytest.mark.parametrize("inside", [False, True])
def test_a_submission_is_graded_by_the_pack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], inside: bool
) -> None:
    pack = write_pack(tmp_path, inside=inside)
    code, report, _ = graded(capsys, pack, "id,y\n1,1.1\n2,1.2\n3,1.100013\n")
    assert code == 0
    assert list(report) == [
        "competition_id",
        "score",
        "gold_threshold",
        "silver_threshold",
        "bronze_threshold",
        "median_threshold",
        "any_medal",
        "gold_medal",
        "silver_medal",
        "bronze_medal",
        "above_median",
        "submission_exists",
        "valid_submission",
        "is_lower_better",
        "created_at",
        "submission_path",
    ]
    del report["created_at"], report["submission_path"]
    assert report == {
        "competition_id": "a-tiny-one",
        "score": 0.13334,  # 0.400013 / 3 = 0.1333376..., to five decimals
        "gold_threshold": 0.1,
        "silver_threshold": 0.2,
        "bronze_threshold": 0.4,
        "median_threshold": 0.55,
        "any_medal": True,
        "gold_medal": False,
        "silver_medal": True,
        "bronze_medal": False,
        "above_median": True,
        "submission_exists": True,
        "valid_submission": True,
        "is_lower_better": True,
    }


def test_an_invalid_submission_has_no_score_and_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report, said = graded(capsys, write_pack(tmp_path), "id,z\n1,1\n2,1\n3,1\n")
    assert (code, report["score"], report["valid_submission"], report["any_medal"]) == (1, None, False, False)
    assert report["submission_exists"]
    assert "InvalidSubmissionError: columns id and y are needed" in said


def test_the_grader_is_shut_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_pack(tmp_path)
    secret = tmp_path / "secret.txt"
    secret.write_text("0.1")
    (pack / "grade.py").write_text(f"def grade(s, a):\n    return float(open({str(secret)!r}).read())\n")
    code, report, said = graded(capsys, pack, "id,y\n1,1\n2,1\n3,1\n")
    assert (code, report["score"]) == (1, None)
    assert "FileNotFoundError" in said or "PermissionError" in said


def test_text_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_pack(tmp_path)
    (tmp_path / "s.csv").write_text("id,y\n1,1\n2,1\n3,1\n")
    words = [str(tmp_path / "s.csv"), "--pack", str(pack), "--answers", str(tmp_path / "answers.csv")]
    assert main(["grade", *words]) == 0
    said = capsys.readouterr().out
    assert "score        0.0 (smaller is better)" in said
    assert "medal        gold; above the median" in said


def test_bad_packs_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_pack(tmp_path)
    (tmp_path / "s.csv").write_text("id,y\n1,1\n2,1\n3,1\n")
    words = [
        "grade",
        str(tmp_path / "s.csv"),
        "--pack",
        str(pack),
        "--answers",
        str(tmp_path / "answers.csv"),
    ]

    def refused(says: str) -> None:
        assert main(words) == 2
        said = capsys.readouterr().err
        assert says in said
        assert said.count("\n") == 1

    (pack / "leaderboard.csv").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    refused("git lfs pull")
    (pack / "leaderboard.csv").write_text("team,points\na,1\n")
    refused("no column 'score'")
    (pack / "grade.py").write_text("import nothing_of_the_kind\n")
    refused("cannot be imported")
    (pack / "config.yaml").write_text("id: x\n")
    refused("'grader'")
    (pack / "config.yaml").unlink()
    refused("config.yaml: no such file")


def test_a_missing_submission_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_pack(tmp_path)
    words = [str(tmp_path / "no.csv"), "--pack", str(pack), "--answers", str(tmp_path / "answers.csv")]
    assert main(["grade", *words, "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["submission_exists"], report["valid_submission"]) == (False, False)


def test_answers_that_are_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The benchmark hands a .jsonl file's objects to the grader as a list."""
    pack = write_pack(tmp_path)
    (pack / "grade.py").write_text(
        "def grade(submission, answers):\n"
        "    truth = {a['id']: a['spans'][0]['start'] for a in answers}\n"
        "    return sum(abs(y - truth[i]) for i, y in zip(submission['id'], submission['y'])) / len(answers)\n"
    )
    answers, submission = tmp_path / "test.jsonl", tmp_path / "s.csv"
    answers.write_text("".join(f'{{"id": {i}, "spans": [{{"start": {i}}}]}}\n' for i in (1, 2, 3)))
    submission.write_text("id,y\n3,3\n2,2\n1,1.6\n")
    words = ["grade", str(submission), "--pack", str(pack), "--answers", str(answers), "--json"]
    assert main(words) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["score"], report["silver_medal"]) == (0.2, True)
    answers.write_text("{\n")
    assert main(words) == 2
    assert "test.jsonl: not readable as a JSON object a line" in capsys.readouterr().err
