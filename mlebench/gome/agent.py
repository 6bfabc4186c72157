"""Gome in MLE-bench's container: a run from its task to what is handed over. Started by start.sh, which says where
everything lies; the arguments are options of `gome run`."""

import json
import os
import shutil
import subprocess
import sys
import time
from fnmatch import fnmatch
from pathlib import Path

from checker import Checker
from hand_over import HandOver, say
from places import Places

POLL_S = 1.0
DAY_S = 86_400.0
RESERVE, MOST_RESERVE_S = 0.02, 300.0
"""Share of the time that Gome is not told of, to be stopped and read in, and the most of it."""
END_S = 60.0


def main(options: list[str]) -> int:
    """Run or resume; Gome's exit code. At every moment the best submission that the checker lets pass is handed over."""
    until = time.monotonic() + float(os.environ.get("TIME_LIMIT_SECS", DAY_S))
    places, competition = Places.from_environment(), os.environ.pop("COMPETITION_ID", "")
    hand_over = HandOver(places, Checker(os.environ["VALIDATE_URL"], competition))
    hand_over.sample()
    if (places.run / "run.json").is_file():
        words = ["resume", str(places.run)]
    else:
        shutil.rmtree(places.run, ignore_errors=True)  # of a start that was killed
        words = ["run", *_task(places), "--run-dir", str(places.run), *_programs(), *_time(until), *options]
    say(f"gome {' '.join(words)}")
    process = subprocess.Popen(_gome(*words))
    level = ""
    while process.poll() is None:
        if refused := hand_over.renew():
            _advise(places, refused)
        level = level or _said_level(places.run)
        if time.monotonic() > until:
            _end(process)
        time.sleep(POLL_S)
    hand_over.renew()
    hand_over.records()
    return process.returncode


def _gome(*words: str) -> list[str]:
    return [sys.executable, "-m", "gome", *words]


def _task(places: Places) -> list[str]:
    """The task, and the words that describe it: the competition's own, then the benchmark's.

    Obfuscated words do not name the competition; the task is a folder of links to the data then, as the plain words lie
    beside them.
    """
    obfuscated, data = os.environ.get("OBFUSCATE", "").lower() == "true", [str(places.data)]
    kind = "_obfuscated" if obfuscated else ""
    description, rules = _read(places, f"description{kind}.md"), _read(places, f"instructions{kind}.txt")
    if obfuscated:
        if not description:
            sys.exit(f"mlebench: no description{kind}.md in {places.data} or {places.instructions}")
        data = [str(_linked(places)), "--links-root", str(places.data)]
    described = places.agent / "description.md"
    described.write_text(f"{description}\n\n# Rules of the benchmark\n\n{rules}", encoding="utf-8")
    return [*data, "--description", str(described)]


def _linked(places: Places) -> Path:
    """A folder of links to the data, but for any description."""
    data = places.agent / "task"
    data.mkdir(exist_ok=True)
    for path in places.data.iterdir():
        link = data / path.name
        if not fnmatch(path.name, "description*.md") and not link.is_symlink():
            link.symlink_to(path)
    return data


def _read(places: Places, name: str) -> str:
    found = (folder / name for folder in (places.data, places.instructions) if (folder / name).is_file())
    return next((path.read_text(encoding="utf-8", errors="replace") for path in found), "")


def _programs() -> list[str]:
    """What programs run in: the benchmark's environment, where it is there."""
    runtime = os.environ["PROGRAMS_PYTHON"]
    return ["--runtime", runtime] if Path(runtime).exists() else []


def _time(until: float) -> list[str]:
    left = until - time.monotonic()
    return ["--time-limit-s", f"{left - min(RESERVE * left, MOST_RESERVE_S):.0f}"]


def _said_level(run: Path) -> str:
    """How programs are shut in, by the run's records, said once it is known."""
    try:
        level = json.loads((run / "run.json").read_text()).get("isolation") or ""
    except (OSError, ValueError):
        return ""
    if level:
        say(f"programs are shut in by: {level}" + (" (limits, no walls)" if level == "plain" else ""))
    return str(level)


def _advise(places: Places, words: str) -> None:
    """Tell the next diagnoses what the checker has against the best program's submission."""
    text = f"The competition's checker refuses the submission of the best program: {words}"
    subprocess.run(_gome("advise", str(places.run), text), stdout=subprocess.DEVNULL, check=False)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop Gome, what is in flight as well."""
    say("the time is up")
    for _ in range(2):
        process.terminate()
        time.sleep(POLL_S)
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
