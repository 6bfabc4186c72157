"""What a crashed program's output says about the cause: the exception, and the frames that are the program's own."""

import re

TAIL_CHARS = 4000
CAUSE_CHARS = 300
_START = "Traceback (most recent call last)"
_FRAME = re.compile(r'\s*File "(?P<path>[^"]+)", line \d+')
_LIBRARY = re.compile(r"/lib/python3[^/]*/(?:(?:site|dist)-packages/)?([^/\"]+)")
_PROGRAM_LOG = "GOME "


def cause(log: str) -> str:
    """The last exception's type and message on one line, at most 300 characters; without one, the last line."""
    lines = _said(log)
    frames = [i for i, line in enumerate(lines) if _FRAME.match(line)]
    if not frames:
        return lines[-1].strip()[:CAUSE_CHARS] if lines else "no output"
    after = frames[-1] + 1
    while after < len(lines) - 1 and lines[after].startswith(" "):
        after += 1
    return " ".join(line.strip() for line in lines[after:])[:CAUSE_CHARS]


def relevant_tail(log: str) -> str:
    """The output from the first traceback on, at most 4,000 characters from its end, library frames folded.

    A run of library frames becomes one line that counts them, followed by the last: the program can only be mended in
    its own lines, and what the library was asked at its end names the fault.
    """
    lines = _said(log)
    starts = [i for i, line in enumerate(lines) if line.startswith(_START)]
    return "\n".join(_folded(lines[starts[0] if starts else 0 :]))[-TAIL_CHARS:]


def _said(log: str) -> list[str]:
    return [line for line in log.splitlines() if line.strip() and not line.startswith(_PROGRAM_LOG)]


def _folded(lines: list[str]) -> list[str]:
    """Lines with every run of library frames cut down to a count and its last frame."""
    kept: list[str] = []
    run: list[list[str]] = []
    for line in lines:
        frame = _FRAME.match(line)
        if frame and _LIBRARY.search(frame["path"]):
            run.append([line])
        elif run and not frame and line.startswith("    "):
            run[-1].append(line)
        else:
            kept += [*_summary(run), line]
            run = []
    return [*kept, *_summary(run)]


def _summary(run: list[list[str]]) -> list[str]:
    if len(run) < 3:
        return [line for frame in run for line in frame]
    names = dict.fromkeys(_library(frame[0]) for frame in run[:-1])
    return [f"  ... {len(run) - 1} frames in {', '.join(names)} ...", *run[-1]]


def _library(line: str) -> str:
    found = _LIBRARY.search(line)
    return found[1].removesuffix(".py") if found else "a library"
