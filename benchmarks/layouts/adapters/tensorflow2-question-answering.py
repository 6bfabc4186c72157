"""Questions with a page in JSON lines; a long and a short answer of each as a token range `start:end`, or nothing.

A row is the set of ranges handed in for it, none or one, so micro F1 over sets counts hits, misses and false answers.
"""

import json

import pandas as pd

metric = "f1_micro"
problem = "multilabel"
TRAIN, TEST, SAMPLE = "simplified-nq-train.jsonl", "simplified-nq-test.jsonl", "sample_submission.csv"
KINDS = ("short", "long")


def units(public):
    """A row for each annotated example."""
    return pd.DataFrame({"id": [json.loads(line)["example_id"] for line in lines(public / TRAIN)]})


def carve(public, out, train_ids, graded_ids):
    """Graded examples stand in the test file with the keys of a test line."""
    known = {json.loads(line)["example_id"]: line for line in lines(public / TRAIN)}
    keys = list(json.loads(lines(public / TEST)[0]))
    graded = {unit: json.loads(known[unit]) for unit in graded_ids}
    write(out / TRAIN, [known[unit] for unit in train_ids])
    write(out / TEST, [json.dumps({key: example[key] for key in keys}) for example in graded.values()])
    rows = [
        {"example_id": f"{unit}_{kind}", "PredictionString": answer(example, kind), "unit": unit}
        for unit, example in graded.items()
        for kind in KINDS
    ]
    answers = pd.DataFrame(rows)
    answers[["example_id"]].assign(PredictionString="").to_csv(out / SAMPLE, index=False)
    return answers


def answer(example, kind):
    """The range of the first annotation; an answer that is not there starts at -1."""
    said = example["annotations"][0]
    if kind == "short":
        if said["yes_no_answer"] != "NONE":
            return said["yes_no_answer"]
        found = said["short_answers"][0] if said["short_answers"] else None
    else:
        found = said["long_answer"] if said["long_answer"]["start_token"] >= 0 else None
    return f"{found['start_token']}:{found['end_token']}" if found else ""


def lines(path):
    """The lines of a file that hold something."""
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def write(path, rows):
    """A line for each of the rows."""
    path.write_text("".join(row + "\n" for row in rows), encoding="utf-8")
