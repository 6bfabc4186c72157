"""The report and the summary, from run folders as real runs leave them: finished, running, dead, and damaged ones."""

import http.client
import json
import math
import os
import re
import subprocess
import sys
import threading
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_run import STEPS, WORST_ROWS, write_run

from gome.cli.summary import summary_lines
from gome.formatting import duration_text, gain_text, one_line, score_text
from gome.report.axes import nice_ticks, tick_texts, whole_ticks
from gome.report.charts import NARROW, WIDE
from gome.report.follow import ReportServer
from gome.report.lineage import lineage
from gome.report.page import write_report
from gome.report.score_curve import score_curve
from gome.run_folder import RunFolder
from gome.state.errors import GomeError
from gome.tools.execution.e2b.cost import SandboxLog
from gome.tools.records.artifacts import Artifacts

VOID_TAGS = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Checks that tags nest, and keeps the text, the tags and every address the page names."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [v or "" for k, v in attrs if k in ("href", "src", "xlink:href", "action", "data")]
        self.ids += [v or "" for k, v in attrs if k == "id"]
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(run_dir: Path) -> Page:
    return Page(write_report(run_dir).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "churn")


def test_a_finished_run_is_told_whole(finished: Path) -> None:
    page = page_of(finished)
    assert "0.8379 ± 0.0045" in page.text
    assert "0.8347 ± 0.0098" in page.text
    assert "offline reasoner (rules, not a language model)" in page.text
    assert "bubblewrap" in page.text
    assert "the mean over 5 folds" in page.text
    assert "5 folds, stratified by churn" in page.text
    assert "11 steps: 6 accepted, 4 rejected, 1 failed" in page.text
    assert "gome resume" not in page.text
    for _, _, _, _, _, _, _, _, statement, *_ in STEPS:
        assert " ".join(statement.split()) in page.text


def test_the_report_needs_nothing_but_itself(finished: Path) -> None:
    page = page_of(finished)
    html = (finished / "report.html").read_text()
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert all(a.startswith(("#", "solution/")) for a in page.addresses)
    assert "url(" not in html
    assert "@import" not in html
    assert len(page.ids) == len(set(page.ids))
    assert {a[1:] for a in page.addresses if a.startswith("#")} <= set(page.ids)


def test_texts_of_models_and_programs_cannot_become_markup(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    evil = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;"
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]

    def poisoned(value: object) -> object:
        if isinstance(value, dict):
            kept = ("id", "code", "parent", "log", "verdict", "status")
            return {k: v if k in kept else poisoned(v) for k, v in value.items()}
        if isinstance(value, list):
            return [poisoned(v) for v in value]
        return evil if isinstance(value, str) else value

    (run / "history.jsonl").write_text("".join(json.dumps(poisoned(line)) + "\n" for line in lines))
    for name in ("run.json", "result.json"):
        value = json.loads((run / name).read_text())
        kept = {k: value[k] for k in ("best", "finalists") if k in value}
        direction = {"task": {**value["task"], "name": evil, "metric": evil}} if "task" in value else {}
        poisoned_value = poisoned({k: v for k, v in value.items() if k not in kept})
        assert isinstance(poisoned_value, dict)
        (run / name).write_text(json.dumps({**poisoned_value, **kept, **direction}))
    for program in (run / "artifacts").rglob("*.py"):
        program.write_text(f"# {evil}\nx = '''{evil}'''\n")
    page = page_of(run)
    assert not {"script", "img"} & set(page.tags)
    assert evil.replace("&amp;", "&") in page.text or evil in page.text


def test_the_charts_are_well_formed_and_described(finished: Path) -> None:
    html = write_report(finished).read_text()
    charts = [
        ElementTree.fromstring(svg) for svg in re.findall(r'<svg class="(?:broad|slim)".*?</svg>', html, re.S)
    ]
    assert len(charts) == 4
    for chart in charts:
        assert (chart.find("title").text or "").strip()  # type: ignore[union-attr]
        assert (chart.find("desc").text or "").strip()  # type: ignore[union-attr]
    curve = charts[0]
    kinds = [e.get("class") for e in curve.iter() if e.tag in ("circle", "path")]
    assert kinds.count("accepted") == 6
    assert kinds.count("rejected") == 3
    assert kinds.count("failed") == 2
    assert kinds.count("ensemble") == 1


def test_the_lineage_hangs_every_program_on_the_one_it_was_made_of(finished: Path) -> None:
    drawn = lineage(RunFolder.read(finished).records, RunFolder.read(finished).best)
    assert drawn
    at = {(n.x, n.y): n.id for n in drawn.nodes}
    ends = [(kind, [float(v) for v in re.split("[MC ]", path)[1:]]) for kind, _, path in drawn.edges]
    links = {(at[(p[0], p[1])], at[(p[-2], p[-1])], kind) for kind, p in ends}
    kept = "0:0>0:1 1:0>1:2 1:2>1:3 0:1>0:4"
    tried = "1:0>1:1 0:1>0:2 0:1>0:3 1:3>1:4 1:3>1:5"
    merged = "0:4>ensemble 1:2>ensemble 0:1>ensemble"
    expected = {"kept": kept, "tried": tried, "merge": merged}
    assert links == {(*link.split(">"), kind) for kind, some in expected.items() for link in some.split()}
    assert len(at) == len(drawn.nodes) == len(STEPS) + 1


def test_what_probes_and_trials_showed_is_in_the_step(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    first, *rest = (run / "history.jsonl").read_text().splitlines()
    record = json.loads(first)
    ran = {"program": record["code"], "log": None, "output": "gain .004 <of> 3 variants", "seconds": 2.0}
    record |= {
        "findings": "the gap is in 9 rows",
        "probes": [ran],
        "trials": [{**ran, "problems": ["no file"]}],
    }
    (run / "history.jsonl").write_text("\n".join([json.dumps(record), *rest]) + "\n")
    text = page_of(run).text
    assert text.count("gain .004 <of> 3 variants") == 2
    for said in ("the gap is in 9 rows", "Probe 1 (2.0 s)", "Trial 1 (2.0 s, no file)"):
        assert said in text


def test_the_rows_that_were_worst_stand_before_and_after(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    text = page_of(run).text
    gained = [row for row in STEPS if row[4] == "accepted" and row[3]]
    assert text.count("Rows on which the program before was worst") == len(gained) > 0
    assert "Yes 0.02 0.11 3.91 2.21 better customer C-0412 · contract two years · note a long" in text
    assert "No 0.97 0.98 3.51 3.91 worse customer C-0077" in text
    bare = {name: {} for name in ("row", "truth", "predicted", "after")}
    private = Artifacts(run / "artifacts").put_json(
        {"metric": "log_loss", "rows": [{**row, **bare} for row in WORST_ROWS["rows"]]}
    )
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    for row in rows:
        row["worst_rows"] = private if row["worst_rows"] else "lost"
    (run / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = page_of(run).text
    assert "log_loss before now change 3.91 2.21 better 3.51 3.91 worse The run is private" in text
    assert "C-0412" not in text


def test_of_a_long_run_every_step_is_told_and_few_are_shown_whole(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    lines = (run / "history.jsonl").read_text().splitlines()
    model = json.loads(next(line for line in lines if '"0:2"' in line))
    more = [
        {**model, "id": f"0:{n}", "step": n, "hypothesis": {**model["hypothesis"], "statement": f"idea {n};"}}
        for n in range(6, 1006)
    ]
    (run / "history.jsonl").write_text("\n".join([*lines, *map(json.dumps, more)]) + "\n")
    page = page_of(run)
    assert all(f"idea {n};" in page.text for n in range(6, 1006))
    assert page.text.count("Verdict") < 300
    assert {a[1:] for a in page.addresses if a.startswith("#")} <= set(page.ids)
    assert page.tags.count("circle") < 4 * 1000
    assert "of 1011 steps are drawn" in page.text


def test_the_diff_is_against_the_parent(finished: Path) -> None:
    html = write_report(finished).read_text()
    step = html[html.index('id="step-0-2"') : html.index('id="step-1-2"')]
    assert re.search(r'<span class="add">\+model = .*n_estimators=1200', step)
    assert re.search(r'<span class="del">-model = .*n_estimators=300', step)
    assert "1 line added, 1 removed" in step


def test_a_void_score_is_not_shown_as_one(finished: Path) -> None:
    html = write_report(finished).read_text()
    step = html[html.rindex('<details class="step', 0, html.index('id="step-1-5"')) :]
    assert "<s>0.9712" in step
    assert ">void<" in step
    assert RunFolder.read(finished).accepted[0].id == "0:4"


def test_the_ensemble_is_told_with_its_weights_and_programs(finished: Path) -> None:
    page = page_of(finished)
    assert "0:4 + 1:2 + 0:1" in page.text
    assert "Weights in the ensemble" in page.text
    assert "Programs of the ensemble" in page.text
    assert "make_logistic" in page.text


def test_a_dead_run_says_where_it_is_and_how_to_go_on(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a run", finished=False, steps=4)
    (run / "history.jsonl").open("a").write('{"trace": 0, "step": 9, "verd')
    (run / "events.jsonl").open("a").write('{"trace": 0')
    page = page_of(run)
    assert "stopped" in page.text
    assert f"gome resume '{run}'" in page.text
    assert "4 steps: 3 accepted, 1 failed" in page.text
    assert "0.8304" in page.text
    lines = "\n".join(summary_lines(run))
    assert "stopped after 2 min 40 s" in lines
    assert f"gome resume '{run}'" in lines


def test_a_run_whose_process_lives_is_running_and_not_after_it_died(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", finished=False, steps=2)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        (run / "run.pid").write_text(str(process.pid))
        assert RunFolder.read(run).state == "running"
        assert "The run is going on" in page_of(run).text
        process.communicate(b"\n")
    assert RunFolder.read(run).state == "stopped"


def test_a_process_that_got_the_number_later_is_not_the_run(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", finished=False, steps=2)
    (run / "run.pid").write_text(str(os.getpid()))
    os.utime(run / "run.pid", (1_000_000_000, 1_000_000_000))
    assert RunFolder.read(run).state == "stopped"


@pytest.mark.parametrize(
    "name", ["run.json", "result.json", "history.jsonl", "events.jsonl", "exchanges.jsonl", "artifacts"]
)
def test_whatever_file_is_missing_the_rest_is_shown(tmp_path: Path, name: str) -> None:
    run = write_run(tmp_path / "run")
    path = run / name
    path.rename(run / "elsewhere")
    page = page_of(run)
    assert "0.83" in page.text
    assert summary_lines(run)


@pytest.mark.parametrize(
    "name", ["run.json", "result.json", "history.jsonl", "events.jsonl", "exchanges.jsonl"]
)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_file_cut_off_anywhere_does_not_stop_the_report(tmp_path: Path, name: str, share: float) -> None:
    run = write_run(tmp_path / "run")
    data = (run / name).read_bytes()
    (run / name).write_bytes(data[: int(len(data) * share)])
    page_of(run)
    assert summary_lines(run)


def test_an_empty_folder_has_a_report_and_no_folder_has_an_error(tmp_path: Path) -> None:
    assert "No program has been accepted yet" in page_of(tmp_path).text
    with pytest.raises(GomeError, match="no run folder"):
        write_report(tmp_path / "nowhere")
    with pytest.raises(GomeError, match="no run folder"):
        summary_lines(tmp_path / "nowhere")


def test_the_summary_of_a_finished_run_names_everything(finished: Path) -> None:
    write_report(finished)
    text = "\n".join(summary_lines(finished))
    assert "roc_auc 0.8379 ± 0.0045 (ensemble of 3; higher is better)" in text
    assert "first draft 0.8212 → 0.8379" in text
    assert str(finished / "solution" / "submission.csv") in text
    assert str(finished / "solution" / "main.py") in text
    assert str(finished / "report.html") in text
    assert "resume" not in text


def test_lower_is_better_turns_the_best_round(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", finished=False)
    value = json.loads((run / "run.json").read_text())
    value["task"]["direction"] = "minimize"
    (run / "run.json").write_text(json.dumps(value))
    folder = RunFolder.read(run)
    assert folder.best is not None
    assert folder.best["members"][0]["id"] == "1:0"
    assert "lower is better" in page_of(run).text


def test_marks_stay_inside_the_chart_whatever_the_scores(tmp_path: Path) -> None:
    run = RunFolder.read(write_run(tmp_path / "run"))
    for size in (WIDE, NARROW):
        chart = score_curve(run.records, metric="auc", sign=1, size=size, ensemble=0.9)
        assert chart is not None
        assert all(chart.left <= m.x <= chart.right and chart.top <= m.y <= chart.height for m in chart.marks)
        ys = sorted(label[1] for label in chart.labels)
        assert all(b - a >= 14 for a, b in pairwise(ys))
        wreck = next(m for m in chart.marks if m.title.startswith("1:4"))
        assert wreck.off == "down"


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_round_few_and_told_apart(low: float, width: float) -> None:
    high = low + width
    ticks = nice_ticks(low, high, 6)
    assert 2 <= len(ticks) <= 8 or high - low < 1e-9 * abs(low)
    slack = width * 1e-6 + 1e-9 * max(abs(low), abs(high))
    assert all(low - slack <= t <= high + slack for t in ticks)
    texts = [text for _, text in tick_texts(ticks)]
    if max(abs(t) for t in ticks) < 1e5 and width > 1e-3:
        assert len(set(texts)) == len(texts)
        assert all(
            math.isclose(float(s.replace("−", "-")), t, abs_tol=width / 50) for t, s in tick_texts(ticks)
        )


@given(st.integers(0, 10_000), st.integers(2, 20))
def test_step_ticks_are_whole_and_not_more_than_asked(last: int, most: int) -> None:
    ticks = whole_ticks(last, most)
    assert ticks[0] == 0
    assert ticks[-1] <= last
    assert len(ticks) <= most + 1


def test_figures_are_as_precise_as_their_noise() -> None:
    assert score_text(0.873124, 0.00213) == "0.8731 ± 0.0021"
    assert score_text(12345.6, 230.0) == "12346 ± 230"
    assert score_text(0.2738642, 5.3e-17) == score_text(0.2738642, 0) == "0.27386"
    assert score_text(None) == score_text(float("nan")) == "–"
    assert gain_text(-0.01234, 0.004) == "−0.0123 ± 0.0040"
    assert gain_text(0.0) == "0"
    assert [duration_text(s) for s in (0.42, 42, 723, 7500)] == ["0.4 s", "42 s", "12 min 3 s", "2 h 5 min"]
    assert one_line("a\x1b[31mred\n\tb") == "a [31mred b"


def test_the_reliability_of_the_gradient_is_shown_step_by_step(finished: Path) -> None:
    text = page_of(finished).text
    assert "The sign of the gain was foretold in 5 of 7 steps." in text
    assert "descent 4 of 9 44% (22% to 70%)" in text
    assert "0:1 descent +0.006 +0.006 +0.0092 ± 0.0021 accepted" in text  # nothing was known before it
    assert (
        "0:2 descent +0.003 +0.0038 +0.0005 ± 0.0021 rejected" in text
    )  # the step before brought 1.53 of what was foretold


def test_rented_sandboxes_are_told_with_what_is_not_known(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = SandboxLog(finished)
    log.running("a")
    log.stopped("a", 60.0)
    monkeypatch.setenv("E2B_USD_PER_HOUR", "0.2")
    log.running("b")
    log.stopped("b", 3600.0)
    told = "2 for 1 h 1 min, $0.2, what 1 cost is not known (give a price: E2B_USD_PER_HOUR)"
    assert f"sandboxes:   {told}" in "\n".join(summary_lines(finished))
    assert told in write_report(finished).read_text()


def test_a_served_report_changes_with_the_run_and_answers_nobody_else(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", finished=False, steps=6)
    with ReportServer(run) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def get(path: str, **headers: str) -> http.client.HTTPResponse:
            link = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
            link.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            return link.getresponse()

        first = get("/")
        version = str(first.getheader("ETag"))
        assert Page(first.read().decode()).tags.count("script") == 1
        assert get("/", If_None_Match=version).status == 304
        with (run / "events.jsonl").open("a") as events:
            events.write(json.dumps({"trace": 0, "step": 6, "phase": "diagnose", "text": "now here"}) + "\n")
        assert b"now here" in get("/", If_None_Match=version).read()
        assert get("/", Host="elsewhere.example").status == 403
        assert [get(path).status for path in ("/run.json", "/../run.json", "/solution/../run.json")] == [
            404
        ] * 3
        with pytest.raises(GomeError, match="--port"):
            ReportServer(run, server.server_port)
        server.shutdown()
    assert "script" not in Page(write_report(run).read_text()).tags
