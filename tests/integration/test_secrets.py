"""Keys stay in the environment: in no file of a run, in nothing that is shown, whatever an endpoint says back."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from gome.report.page import write_report
from gome.state.config import RunConfig
from gome.tools.secrets import keys_masked, masked
from tests.openai_server import Answer, Endpoint

KEY, USER, PASSWORD = "sk-very-secret-0123456789", "someone", "pass/word-77"
FORMS = [KEY, PASSWORD, "pass%2Fword-77", base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()]


def gome(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENAI_")} | environment
    command = [sys.executable, "-m", "gome", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, env=env)


def assert_no_secret_in(folder: Path, *shown: str) -> None:
    for form in FORMS:
        assert not [text for text in shown if form in text]
        assert not [
            path for path in folder.rglob("*") if path.is_file() and form.encode() in path.read_bytes()
        ]


@pytest.mark.slow
def test_an_endpoint_that_quotes_the_key_and_a_resume_with_the_right_one(
    diabetes: Path, tmp_path: Path
) -> None:
    answers = [
        Answer(f"Incorrect API key provided: {' '.join(FORMS)}", status=401),
        Answer(f"no JSON {' '.join(FORMS)}"),
    ]
    with Endpoint(lambda messages: answers[0]) as server:
        url = server.url.replace("://", f"://{USER}:pass%2Fword-77@")
        secrets = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": url}
        few = ["--run-dir", "out", "--model", "openai:m", "--traces", "1", "--steps", "1", "--folds", "1"]
        refused = gome("run", str(diabetes), *few, cwd=tmp_path, **secrets)
        assert refused.returncode == 2, refused.stderr
        assert "Incorrect API key provided: *** ***" in refused.stderr
        assert_no_secret_in(tmp_path / "out", refused.stdout, refused.stderr)
        del answers[0]
        resumed = gome("resume", "out", cwd=tmp_path, **secrets)
        assert "no JSON object" in (tmp_path / "out" / "history.jsonl").read_text()
        assert_no_secret_in(tmp_path / "out", resumed.stdout, resumed.stderr)
        assert set(server.authorizations) == {f"Basic {FORMS[3]}"}


def test_a_run_of_before_keeps_its_url_out_of_the_report(tmp_path: Path) -> None:
    config = {"base_url": "http://user:key@host/v1", "model": "openai:m"}
    (tmp_path / "run.json").write_text(json.dumps({"task": {"name": "t"}, "config": config}))
    shown = write_report(tmp_path).read_text()
    assert "http://***@host/v1" in shown
    assert "user:key" not in shown


def test_a_refused_url_is_not_shown() -> None:
    with pytest.raises(ValidationError) as refused:
        RunConfig(base_url="http://user:hunter2@host/v1")
    assert "hunter2" not in str(refused.value)


def test_words_that_are_no_secrets_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.endswith(("KEY", "TOKEN", "PASSWORD"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    said = "none of the models at http://localhost:1/v1 is loaded"
    assert masked(said) == said


def test_a_reply_loses_keys_and_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("SORT_KEY", "features")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://train:pass@localhost:1/v1")
    assert keys_masked(f"train(features)  # {KEY}") == "train(features)  # ***"
