"""Whole sentences in one archive, sentences that lack a word in the other: the whole sentence is asked for.

Test sentences are numbered from 0. Which word is taken out of a graded sentence hangs on its text alone.
"""

import csv
import hashlib
import io
import zipfile

import pandas as pd

metric = "levenshtein"
TRAIN, TEST, SAMPLE = "train_v2.txt", "test_v2.txt", "sample_submission.csv"


def units(public):
    """A row for each training sentence that has a word to take out, by the number of its line."""
    return pd.DataFrame({"id": [str(i) for i, s in enumerate(sentences(public)) if len(s.split()) > 2]})


def carve(public, out, train_ids, graded_ids):
    """Sentences to learn from stay whole in the first archive; graded ones lack a word in the second."""
    known = sentences(public)
    pack(out, TRAIN, "".join(known[int(unit)] + "\n" for unit in train_ids))
    answers = pd.DataFrame(
        {
            "id": [str(i) for i in range(len(graded_ids))],
            "sentence": [known[int(unit)] for unit in graded_ids],
            "unit": list(graded_ids),
        }
    )
    sample = answers[["id"]].assign(sentence=answers["sentence"].map(without_a_word))
    text = io.StringIO()
    text.write('"id","sentence"\n')
    quoted = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    quoted.writerows((int(row.id), row.sentence) for row in sample.itertuples())
    pack(out, TEST, text.getvalue())
    sample.to_csv(out / SAMPLE, index=False)
    return answers


def without_a_word(sentence):
    """The sentence without one of its words, neither the first nor the last."""
    words = sentence.split(" ")
    at = 1 + int(hashlib.sha256(sentence.encode()).hexdigest(), 16) % (len(words) - 2)
    return " ".join(words[:at] + words[at + 1 :])


def sentences(public):
    """The lines of the training text."""
    with zipfile.ZipFile(public / f"{TRAIN}.zip") as archive:
        return archive.read(TRAIN).decode("utf-8").splitlines()


def pack(out, name, text):
    """The text alone in an archive, with a date that never changes."""
    with zipfile.ZipFile(out / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), text.encode("utf-8"), zipfile.ZIP_DEFLATED)
