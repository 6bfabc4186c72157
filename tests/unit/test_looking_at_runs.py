"""gome list, explain, config and completion, and the JSON of what looks at runs: from a run folder, nothing run."""

import json
import subprocess
from pathlib import Path

import pytest
from sample_run import write_run

import gome
from gome.cli.main import main


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write_run(tmp_path / "runs" / "churn")
    write_run(tmp_path / "runs" / "night" / "half", finished=False, steps=4)
    (tmp_path / "runs" / "notes").mkdir()
    return tmp_path / "runs"


def test_runs_are_listed_and_given_as_json(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", str(runs)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} == {"run", "churn", "night/half"}
    assert main(["list", str(runs), "--json"]) == 0
    listed = {Path(row["run"]).name: row for row in json.loads(capsys.readouterr().out)}
    result = json.loads((runs / "churn" / "result.json").read_text())
    assert listed["churn"]["best"] == result["best"]
    assert listed["half"]["state"] == "stopped"
    assert listed["half"]["steps"] == {"total": 4, "accepted": 3, "rejected": 0, "failed": 1}
    assert main(["status", str(runs / "churn"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == listed["churn"]
    assert main(["list", str(runs / "notes"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["list", str(runs / "none")]) == 2


def test_every_step_is_explained_and_so_is_the_run(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs / "churn"
    records = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    for record in records:
        assert main(["explain", str(run), record["id"]]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert record["hypothesis"]["statement"] in said
        assert " ".join(record["diagnosis"].split()) in said
        assert (
            f"So it {'' if record['verdict'] == 'failed' else 'was '}{record['verdict']}: {record['reason']}"
            in said
        )
    assert main(["explain", str(run), "0:1"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "It started from the program of 0:0 (roc_auc 0.8212 ± 0.0046)" in said
    assert "better by 0.0092 ± 0.0021" in said
    assert "2 lines added, 1 taken out" in said or "1 line added, 0 taken out" in said
    assert main(["explain", str(run)]) == 0
    said = capsys.readouterr().out
    assert all(record["id"] in said for record in records)
    assert main(["explain", str(run), "9:9"]) == 2
    assert "has no finished step '9:9'; its steps are 0:0" in capsys.readouterr().err


def test_the_file_goes_before_the_default_and_an_option_before_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://someone:secret@host/v1")
    (tmp_path / "gome.yaml").write_text(
        "traces: 5\nsteps: 9\ndrop: [a, b]\ndates: {sold: '%d/%m/%Y'}\nbase_url: http://file/v1\nmax-usd: 2\n"
    )
    assert main(["config", "--traces", "3", "--json"]) == 0
    said = capsys.readouterr().out
    found = json.loads(said)
    expected = {
        "traces": (3, "--traces"),
        "steps": (9, "gome.yaml"),
        "drop": (["a", "b"], "gome.yaml"),
        "dates": ({"sold": "%d/%m/%Y"}, "gome.yaml"),
        "max_usd": (2, "gome.yaml"),
        "patience": (3, "default"),
    }
    assert {name: (found[name]["value"], found[name]["from"]) for name in expected} == expected
    assert found["base_url"]["from"] == "OPENAI_BASE_URL"
    assert "secret" not in said


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("trace: 2", "gome.yaml: there is no setting 'trace'; nearest: traces"),
        ("steps: many", "gome.yaml: steps: "),
        ("steps: yes", "gome.yaml: steps: True is no value for it"),
        ("run_dir: here", "gome.yaml: run_dir is of one run"),
        ("- traces", "gome.yaml: write lines of `setting: value`"),
        ("traces: [", "gome.yaml is no YAML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(
    text: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gome.yaml").write_text(text)
    for command in (["config"], ["run", "nowhere"], ["inspect", "nowhere"]):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"gome: {line}")
        assert said.count("\n") == 1


def test_a_shell_completes_commands_and_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    (tmp_path / "gome").write_text(capsys.readouterr().out)
    script = """
        source ./gome
        words=$(complete -p gome | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        of() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
               $words gome "${COMP_WORDS[COMP_CWORD]}" ""; echo "${COMPREPLY[@]}"; }
        of gome st; of gome run --optimizer ''; of gome run task --metric rmsl
    """
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["status stop", "gradient tree", "rmsle"], done.stderr


def test_the_leaderboard_calls_void_only_what_is(runs: Path) -> None:
    history = runs / "churn" / "history.jsonl"
    rows = [json.loads(line) for line in history.read_text().splitlines()]
    raced = next(row for row in rows if row["id"] == "0:3")
    raced["evaluation"] |= {
        "score": None,
        "race": {"folds": 1, "of": 5, "candidate": 0.81, "incumbent": 0.83},
    }
    history.write_text("".join(json.dumps(row) + "\n" for row in rows))
    board = gome.load(runs / "churn").leaderboard().set_index("id")["verdict"]
    assert board["0:3"] == "rejected"
    assert [step for step, verdict in board.items() if verdict == "void"] == ["1:5"]
