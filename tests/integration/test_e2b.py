"""The E2B executor with the real SDK, against a loopback server that speaks its protocol and really runs the programs."""

import importlib.util
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if importlib.util.find_spec("e2b") is None:
    pytest.skip("the E2B SDK is not installed", allow_module_level=True)

from gome.cli.main import main
from gome.state.config import RunConfig
from gome.state.errors import BudgetReached, GomeError
from gome.state.parts import Usage
from gome.tools.budget import Budget
from gome.tools.execution.e2b.access import open_e2b
from gome.tools.execution.e2b.cost import SandboxLog
from gome.tools.execution.e2b.executor import E2BExecutor, job_key
from gome.tools.execution.e2b.pool import Pool
from gome.tools.execution.e2b.template import Service
from gome.tools.execution.file_transfer import Hasher
from gome.tools.execution.job import Job, Outcome
from gome.tools.execution.program_log import parse_log
from gome.tools.records.clock import Clock
from gome.tools.records.jsonl import append_line
from tests.e2b_server import KEY, FakeService, fake_service

REAL_KEY = os.environ.get("E2B_API_KEY")
READY = Service(template="ready", python=sys.executable)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeService]:
    with fake_service(tmp_path / "service") as service:
        monkeypatch.setenv("E2B_API_KEY", KEY)
        monkeypatch.setenv("E2B_API_URL", service.url)
        monkeypatch.setenv("E2B_SANDBOX_URL", service.url)
        yield service


@pytest.fixture
def executor(service: FakeService, tmp_path: Path) -> Iterator[E2BExecutor]:
    executor = E2BExecutor(Pool(tmp_path / "run", 2, READY))
    yield executor
    executor.close()


@pytest.fixture(autouse=True)
def run_dir(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def never() -> bool:
    return False


def run(
    executor: E2BExecutor,
    folder: Path,
    program: str,
    *,
    files: dict[str, str] | None = None,
    name: str = "job",
    stop: Callable[[], bool] = never,
    **limits: float,
) -> Outcome:
    inputs = folder / f"input-{name}"
    for path, text in (files or {"train.csv": "a,b\n1,2\n"}).items():
        (inputs / path).parent.mkdir(parents=True, exist_ok=True)
        (inputs / path).write_text(text)
    source = folder / f"{name}.py"
    source.write_text(textwrap.dedent(program))
    settings = {"seed": 7, "wall_s": 20.0, "memory_mb": 400, "output_mb": 5.0, "threads": 1, **limits}
    job = Job(program=source, input_dir=inputs, work_dir=folder / f"work-{name}", **settings)  # type: ignore[arg-type]
    return executor.run(job, stop=stop)


def test_a_program_reads_its_input_and_hands_over_a_submission(
    executor: E2BExecutor, service: FakeService, tmp_path: Path
) -> None:
    code = """
        import os
        print('GOME {"valid_score": 0.5}')
        text = open("input/data/train.csv").read()
        open("submission.csv", "w").write(text + os.environ["SEED"] + os.environ["OMP_NUM_THREADS"])
    """
    outcome = run(executor, tmp_path, code, files={"data/train.csv": "a,b\n1,2\n"})
    assert (outcome.reason, outcome.exit_code, outcome.level) == ("ok", 0, "e2b")
    assert outcome.submission == tmp_path / "work-job/submission.csv"
    assert outcome.submission.read_text() == "a,b\n1,2\n71"
    assert parse_log(outcome.log) == {"valid_score": 0.5}
    assert 0 < outcome.seconds < 20
    assert outcome.peak_mb > 1
    (box,) = service.alive
    assert box.request["templateID"] == "ready"
    assert box.request["allow_internet_access"] is False
    assert set(box.types) == {"application/octet-stream"}


def test_a_traceback_is_in_the_log(executor: E2BExecutor, tmp_path: Path) -> None:
    outcome = run(executor, tmp_path, "print('begun')\nraise KeyError('price')\n")
    assert (outcome.reason, outcome.exit_code, outcome.submission) == ("error", 1, None)
    assert "begun" in outcome.log
    assert "KeyError: 'price'" in outcome.log


def test_limits_end_the_program_and_the_sandbox_goes_on(
    executor: E2BExecutor, service: FakeService, tmp_path: Path
) -> None:
    endless = run(executor, tmp_path, "import time\ntime.sleep(60)\n", wall_s=1.0)
    assert endless.reason == "timeout"
    assert endless.seconds < 5
    assert "longer than 1 s" in endless.log
    fat = run(executor, tmp_path, "import time\nx = bytearray(600 * 2**20)\ntime.sleep(30)\n")
    assert fat.reason == "memory"
    assert fat.peak_mb > 400
    full = "import os, time\nopen('big', 'wb').write(os.urandom(6 * 2**20))\ntime.sleep(30)\n"
    assert run(executor, tmp_path, full).reason == "output"
    assert run(executor, tmp_path, "pass").reason == "ok"
    assert len(service.sandboxes) == 1


def test_a_flood_is_stopped_and_little_of_it_is_sent(executor: E2BExecutor, tmp_path: Path) -> None:
    outcome = run(executor, tmp_path, "while True: print('x' * 1000)\n")
    assert outcome.reason == "output"
    assert len(outcome.log) < 70_000
    long = "for n in range(40_000): print('y' * 60)\nprint('GOME {\"valid_score\": 2}')\n"
    outcome = run(executor, tmp_path, long)
    assert outcome.reason == "ok"
    assert len(outcome.log) < 70_000
    assert parse_log(outcome.log) == {"valid_score": 2}


def test_nothing_of_a_program_is_left_behind(executor: E2BExecutor, tmp_path: Path) -> None:
    mark = tmp_path / "daemon-was-here"
    daemon = f"""
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(1.5)
                open({str(mark)!r}, "w").close()
            os._exit(0)
    """
    assert run(executor, tmp_path, daemon).reason == "ok"
    time.sleep(2)
    assert not mark.exists()


def test_what_is_printed_comes_as_it_is_printed(
    executor: E2BExecutor, service: FakeService, tmp_path: Path
) -> None:
    service.end_after = b"begun"  # the sandbox ends as soon as it has sent that
    outcome = run(executor, tmp_path, "import time\nprint('begun')\ntime.sleep(60)\n")
    assert outcome.reason == "error"
    assert outcome.log.startswith("begun\n")


def test_only_what_is_new_is_sent(executor: E2BExecutor, service: FakeService, tmp_path: Path) -> None:
    files = {"train.csv": "a\n1\n", "test.csv": "a\n2\n"}
    count = "import os\nopen('submission.csv', 'w').write(' '.join(sorted(os.listdir('input'))))\n"
    run(executor, tmp_path, count, files=files)
    run(executor, tmp_path, count, files=files)
    outcome = run(executor, tmp_path, count, files={**files, "more.csv": "b\n3\n"}, name="more")
    assert outcome.submission is not None
    assert outcome.submission.read_text() == "more.csv test.csv train.csv"
    (box,) = service.alive
    first, second, third = (set(names) for names in box.archives)
    assert {"input/train.csv", "input/test.csv"} < first
    assert second == {"job.json", "main.py"}
    assert third == second | {"input/more.csv"}


def test_one_folds_labels_do_not_reach_the_next_fold(
    executor: E2BExecutor, service: FakeService, tmp_path: Path
) -> None:
    hide = "import shutil\nshutil.copy('input/train.csv', '../hidden.csv')\n"
    look = "import os\nopen('submission.csv', 'w').write(str(os.path.exists('../hidden.csv')))\n"
    seen = []
    for name, program, train in (("a", hide, "one"), ("a2", look, "one"), ("b", look, "two")):
        outcome = run(executor, tmp_path, program, files={"train.csv": train}, name=name)
        seen.append(outcome.submission.read_text() if outcome.submission else outcome.reason)
    assert seen == ["ok", "True", "False"]
    run(executor, tmp_path, look, files={"train.csv": "three"}, name="c")
    assert len(service.alive) == 2
    assert len(service.sandboxes) == 3


def test_a_lost_sandbox_is_replaced_once(executor: E2BExecutor, service: FakeService, tmp_path: Path) -> None:
    slow = "import time\ntime.sleep(1)\nopen('submission.csv', 'w').write('done')\n"
    service.end_at_start = 1
    outcome = run(executor, tmp_path, slow)
    assert outcome.reason == "ok"
    assert outcome.submission is not None
    assert [box.alive for box in service.sandboxes.values()] == [False, True]
    service.end_at_start = 2
    outcome = run(executor, tmp_path, slow)
    assert (outcome.reason, outcome.submission) == ("error", None)
    assert "lost twice" in outcome.log
    assert not service.alive
    assert run(executor, tmp_path, slow).reason == "ok"


def test_an_idle_sandbox_that_ended_is_replaced(
    executor: E2BExecutor, service: FakeService, tmp_path: Path
) -> None:
    run(executor, tmp_path, "pass")
    service.alive[0].end()
    assert run(executor, tmp_path, "pass").reason == "ok"
    assert len(service.alive) == 1


def waiting_program(folder: Path) -> str:
    """Notes each start of itself, and goes on when it finds a file."""
    return f"""
        import os, time
        open({str(folder / "starts")!r}, "a").write("x")
        print("begun", flush=True)
        while not os.path.exists({str(folder / "go")!r}): time.sleep(0.05)
        open("submission.csv", "w").write("done")
        print("ended")
    """


def test_a_stopped_program_goes_on_in_its_paused_sandbox(service: FakeService, tmp_path: Path) -> None:
    code, starts = waiting_program(tmp_path), tmp_path / "starts"
    stopped = E2BExecutor(Pool(tmp_path / "run", 1, READY))
    assert run(stopped, tmp_path, code, stop=starts.exists, wall_s=120.0).reason == "stopped"
    stopped.close()
    (box,) = service.alive
    assert box.paused
    (tmp_path / "go").touch()
    resumed = E2BExecutor(Pool(tmp_path / "run", 1, READY))
    assert box.paused  # until its job is asked for
    outcome = run(resumed, tmp_path, code, wall_s=120.0)
    assert (outcome.reason, outcome.submission is not None) == ("ok", True)
    assert outcome.log == "begun\nended\n"
    assert starts.read_text() == "x"
    assert len(service.sandboxes) == 1
    resumed.close()
    assert not service.alive


def test_a_program_outlives_an_agent_that_is_killed(service: FakeService, tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(textwrap.dedent(waiting_program(tmp_path)))
    (tmp_path / "input").mkdir()
    agent = f"""
import sys
from pathlib import Path
from gome.tools.execution.e2b.executor import E2BExecutor
from gome.tools.execution.e2b.pool import Pool
from gome.tools.execution.e2b.template import Service
from gome.tools.execution.job import Job
root = Path({str(tmp_path)!r})
executor = E2BExecutor(Pool(root / "run", 1, Service(template="ready", python=sys.executable)))
job = Job(root / "p.py", root / "input", root / "work", 0, 60, 400, 5)
print(executor.run(job, stop=lambda: False).submission.read_text())
"""
    process = subprocess.Popen([sys.executable, "-c", agent])
    while not (tmp_path / "starts").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    (tmp_path / "go").touch()
    said = subprocess.run([sys.executable, "-c", agent], check=True, capture_output=True, text=True).stdout
    assert said == "done\n"
    assert (tmp_path / "starts").read_text() == "x"
    assert len(service.sandboxes) == 1


def test_what_another_job_left_is_not_taken(service: FakeService, tmp_path: Path) -> None:
    killed = E2BExecutor(Pool(tmp_path / "run", 1, READY))
    assert run(killed, tmp_path, "open('submission.csv', 'w').write('old')\n", name="old").reason == "ok"
    (box,) = service.alive
    code = "open('submission.csv', 'w').write('new')\n"
    (tmp_path / "new.py").write_text(code)
    job = Job(tmp_path / "new.py", tmp_path / "input-old", tmp_path / "work", 7, 20, 400, 5)
    key = job_key(job, Hasher().manifest(job.input_dir))
    append_line(
        tmp_path / "run/e2b.jsonl", {"sandbox": box.id, "job": key}
    )  # and killed before it was started
    outcome = E2BExecutor(Pool(tmp_path / "run", 1, READY)).run(job, stop=never)
    assert outcome.submission is not None
    assert outcome.submission.read_text() == "new"
    assert not box.alive


def test_a_finished_run_leaves_no_sandbox(service: FakeService, tmp_path: Path) -> None:
    executor = E2BExecutor(Pool(tmp_path / "run", 1, READY))
    assert (
        run(executor, tmp_path, waiting_program(tmp_path), stop=(tmp_path / "starts").exists).reason
        == "stopped"
    )
    (tmp_path / "run/result.json").write_text("{}")
    executor.close()
    assert not service.alive


def test_at_most_so_many_sandboxes(executor: E2BExecutor, service: FakeService, tmp_path: Path) -> None:
    slow = "import time\ntime.sleep(0.5)\n"
    threads = [
        threading.Thread(target=run, args=(executor, tmp_path, slow), kwargs={"name": f"job{n}"})
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(service.sandboxes) == 2


@pytest.mark.parametrize(
    "trick",
    [
        "os.symlink('/etc/passwd', 'submission.csv')",
        "os.link('main.py', 'submission.csv')",
        "os.mkdir('submission.csv')",
        "os.mkfifo('submission.csv')",
        "open('submission.csv', 'wb').truncate(6 * 2**20)",
    ],
)
def test_only_a_plain_small_submission_is_fetched(executor: E2BExecutor, tmp_path: Path, trick: str) -> None:
    outcome = run(executor, tmp_path, f"import os\n{trick}\n")
    assert (outcome.reason, outcome.submission) == ("ok", None)


def test_no_secret_is_sent_or_seen(
    executor: E2BExecutor, service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    outcome = run(executor, tmp_path, "import os\nprint(dict(os.environ))\n")
    assert outcome.reason == "ok"
    assert "SEED" in outcome.log
    for word in ("sk-very-secret", KEY, "E2B_", str(tmp_path / "run")):
        assert word not in outcome.log
    assert b"sk-very-secret" not in service.received
    assert str(tmp_path / "run").encode() not in service.received


def test_orphans_are_ended_and_seconds_counted(service: FakeService, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    killed, other = (E2BExecutor(Pool(tmp_path / name, 1, READY)) for name in ("run", "other"))
    run(killed, tmp_path, "pass")  # and this process might have been killed now
    run(other, tmp_path, "pass")
    assert len(service.alive) == 2
    again = E2BExecutor(Pool(tmp_path / "run", 1, READY))
    assert len(service.alive) == 1
    run(again, tmp_path, "import time\ntime.sleep(0.5)\n")
    again.close()
    other.close()
    assert not service.alive
    use = SandboxLog(tmp_path / "run").use()
    assert (use.count, use.unpriced, use.lost, use.running) == (2, 2, 0, {})
    assert use.seconds > 0.5


def test_what_sandboxes_cost_is_counted(
    service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E2B_USD_PER_HOUR", "3600")
    log = SandboxLog(tmp_path / "run")
    log.running("ended while no process looked")
    executor = E2BExecutor(Pool(tmp_path / "run", 1, READY))
    assert run(executor, tmp_path, "import time\ntime.sleep(0.5)\n").reason == "ok"
    assert len(log.use().running) == 1
    assert log.use().usd_by_now() > 0.5
    budget = Budget(
        RunConfig(executor="e2b", max_usd=0.5), Clock(tmp_path / "clock"), tmp_path / "run", slots=1
    )
    with pytest.raises(BudgetReached, match=r"cap of 0\.5 US"):
        budget.check_usage(Usage(calls=0, tokens_in=0, tokens_out=0, usd=0.0, unpriced=0))
    executor.close()
    use = log.use()
    assert (use.count, use.lost, use.unpriced, use.running) == (2, 1, 0, {})
    assert use.usd == pytest.approx(use.seconds)


def test_money_is_not_capped_where_a_price_is_not_known(
    service: FakeService, diabetes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "run",
        str(diabetes),
        "--executor",
        "e2b",
        "--max-usd",
        "1",
        "--run-dir",
        str(tmp_path / "new"),
    ]
    assert main(command) == 2
    assert "give the price of an hour in E2B_USD_PER_HOUR" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_packages_are_installed_once_for_all_runs(service: FakeService, tmp_path: Path) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text("# nothing\n")
    for name in ("run", "later"):
        (tmp_path / name).mkdir(exist_ok=True)
        executor = E2BExecutor(Pool(tmp_path / name, 1, Service(requirements=pins)))
        outcome = run(executor, tmp_path, "import sys\nprint(sys.prefix)\n")
        assert outcome.reason == "ok"
        assert outcome.log.strip().endswith("/runtime")
        executor.close()
    builder, first, later = service.sandboxes.values()
    assert (builder.request["templateID"], builder.request["allow_internet_access"]) == ("base", True)
    for box in (first, later):
        assert box.request["templateID"].startswith("snapshot-of-gome-")
        assert box.request["allow_internet_access"] is False
    assert not service.alive
    assert (
        sum("pip install" in command for box in service.sandboxes.values() for command in box.commands) == 1
    )


def test_packages_that_cannot_be_installed_end_the_run(service: FakeService, tmp_path: Path) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text("nothing @ file:///nowhere/nothing-1-py3-none-any.whl\n")
    executor = E2BExecutor(Pool(tmp_path / "run", 1, Service(requirements=pins)))
    with pytest.raises(GomeError, match=r"packages can't be installed .*E2B_TEMPLATE"):
        run(executor, tmp_path, "pass")
    assert not service.alive


def test_what_is_missing_is_said_in_a_line(
    service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.refuse = {"code": 400, "message": "template 'ready' not found"}
    executor = E2BExecutor(Pool(tmp_path / "run", 1, READY))
    with pytest.raises(GomeError, match=r"no sandbox could be started: .*template 'ready' not found"):
        run(executor, tmp_path, "pass")
    monkeypatch.setenv("E2B_API_KEY", "e2b_wrong")
    with pytest.raises(GomeError, match="refuses the key in E2B_API_KEY"):
        open_e2b(tmp_path / "run", 1)
    monkeypatch.delenv("E2B_API_KEY")
    with pytest.raises(GomeError, match="needs a key"):
        open_e2b(tmp_path / "run", 1)


def test_a_run_without_a_key_is_refused_before_it_begins(
    diabetes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("E2B_API_KEY", raising=False)
    assert main(["run", str(diabetes), "--executor", "e2b", "--run-dir", str(tmp_path / "new")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "E2B_API_KEY" in error
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(not REAL_KEY, reason="no E2B_API_KEY")
def test_the_real_service(tmp_path: Path) -> None:
    executor = E2BExecutor(Pool(tmp_path / "run", 1, Service()))
    code = """
        import pandas, socket
        pandas.read_csv("input/train.csv").to_csv("submission.csv", index=False)
        try:
            socket.create_connection(("1.1.1.1", 443), timeout=3)
            print("the network is open")
        except OSError:
            print("no network")
    """
    try:
        outcome = run(executor, tmp_path, code, memory_mb=800, wall_s=60)
        assert (outcome.reason, "no network" in outcome.log) == ("ok", True)
        assert outcome.submission is not None
        assert outcome.submission.read_text() == "a,b\n1,2\n"
        assert run(executor, tmp_path, "open('input/train.csv', 'w')").reason == "error"
    finally:
        executor.close()
