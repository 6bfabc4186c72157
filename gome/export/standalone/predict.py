"""python predict.py ROWS [-o FILE]: predict the rows of a CSV or Parquet file that has the columns of the test table."""

import argparse
import sys
import tempfile
from pathlib import Path

import pandas as pd

from gome.export.standalone.answers import as_submission, read_answers
from gome.export.standalone.rows import read_rows, write_tables
from gome.export.standalone.solution import Refused, Spec, predicted, read_spec
from gome.optimizer.blending import blended


def predict(spec: Spec, path: Path) -> pd.DataFrame:
    """The predictions for the rows, in their order: ids and predictions, under the header of the sample. Refused."""
    rows, count = read_rows(spec, path)
    answers, weights = [], []
    with tempfile.TemporaryDirectory(prefix="rows-") as scratch:
        write_tables(spec, rows, Path(scratch))
        for member in spec["members"]:
            with predicted(spec, member, Path(scratch)) as submission:
                answers.append(read_answers(spec, submission, rows[str(spec["id"])], member["file"]))
                weights.append(member["weight"])
    return as_submission(spec, answers[0] if len(answers) == 1 else blend(spec, answers, weights), count)


def blend(spec: Spec, answers: list[pd.DataFrame], weights: list[float]) -> pd.DataFrame:
    """Predictions of several programs for the same rows, put together by their weights."""
    columns, how = spec["prediction"], spec["answers"]["how"]
    kind = object if how in ("vote", "sets", "ranks", "heaviest") else float
    whole = blended(how, [table[columns].to_numpy(dtype=kind) for table in answers], weights)
    return answers[0].assign(**{column: whole[:, i] for i, column in enumerate(columns)})


def main() -> int:
    """Predict; 0, or 2 with the line that says why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path, help="CSV or Parquet file")
    parser.add_argument("-o", "--out", type=Path, help="CSV file to write (default: to the terminal)")
    arguments = parser.parse_args()
    try:
        spec = read_spec()
        table = predict(spec, arguments.rows)
    except Refused as error:
        print(f"predict.py: {error}", file=sys.stderr)
        return 2
    table.to_csv(arguments.out or sys.stdout, index=False, header=spec["sample"]["header"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
