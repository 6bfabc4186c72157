"""Rows to be predicted: read, checked against what the programs know, and written where the programs read them."""

import io
from pathlib import Path

import pandas as pd

from gome.export.standalone.solution import HERE, Refused, Spec
from gome.tools.data.new_rows.kinds import kind_of, odd_cells, reads_as_text

FORM = HERE / "form.parquet"
"""The test table without rows, where it is Parquet: its types."""


def read_rows(spec: Spec, path: Path) -> tuple[pd.DataFrame, int]:
    """The rows with the columns of the test table, and how many there are; behind them maybe rows of that table, by which
    columns of CSV read as they did. Refused: a column is missing or reads otherwise, an id is not plain."""
    if not path.is_file():
        raise Refused(f"{path}: no such file")
    table = _read(spec, path)
    if spec["rows"]["numbered"] and spec["id"] not in table:
        table.insert(0, spec["id"], range(len(table)))
    if absent := [c for c in spec["rows"]["columns"] if c not in table]:
        raise Refused(
            f"{path}: no column {', '.join(map(repr, absent))}; empty fields say that nothing is known"
        )
    table = table[spec["rows"]["columns"]]
    ids = table[spec["id"]]
    if ids.isna().any() or ids.astype(str).duplicated().any():
        raise Refused(f"{path}: the ids in {spec['id']!r} have to be there, each once")
    for column, known in spec["rows"]["files"].items():
        if (lost := ~table[column].astype(str).isin(known)).any():
            name = table[column][lost].iloc[0]
            raise Refused(
                f"{path}: {column} = {name!r} names no file that the programs had for a row to be predicted"
            )
    return (_typed(path, table) if FORM.is_file() else _with_companions(spec, path, table)), len(table)


def write_tables(spec: Spec, rows: pd.DataFrame, folder: Path) -> None:
    """The test table and the sample submission of the rows, under their names."""
    files = spec["files"]
    sample = pd.DataFrame(
        {c: spec["sample"]["row"][c] for c in spec["sample"]["columns"]}, index=range(len(rows))
    )
    sample[spec["id"]] = rows[spec["id"]].to_numpy()
    for name, table in ((files["sample"], sample), (files["test"], rows)):
        if name == files["sample"] and table is rows:
            continue  # the sample is the test table
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix in (".parquet", ".pq"):
            table.to_parquet(target, index=False)
        else:
            header = spec["sample"]["header"] if name == files["sample"] else True
            table.to_csv(target, index=False, sep="\t" if ".tsv" in name else ",", header=header)


def _read(spec: Spec, path: Path) -> pd.DataFrame:
    """The table; of CSV every cell as it stands, where the programs' own table is CSV too."""
    if path.suffix in (".parquet", ".pq"):
        table = pd.read_parquet(path)
        return table if FORM.is_file() else _as_cells(table)
    separator = "\t" if ".tsv" in path.name else ","
    text = spec["rows"]["text"] if FORM.is_file() else None
    kinds = dict.fromkeys(text, str) if text is not None else str
    return pd.read_csv(
        path, sep=separator, dtype=kinds, keep_default_na=False, na_values=[""], encoding="utf-8-sig"
    )


def _as_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Typed columns as the cells of CSV that they would be."""
    text = io.StringIO(table.to_csv(index=False))
    return pd.read_csv(text, dtype=str, keep_default_na=False, na_values=[""])


def _typed(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        return pa.Table.from_pandas(table, schema=parquet.read_schema(FORM), preserve_index=False).to_pandas()
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise Refused(f"{path}: not of the test table's types ({str(error).splitlines()[0][:200]})") from None


def _with_companions(spec: Spec, path: Path, cells: pd.DataFrame) -> pd.DataFrame:
    """The cells, each of which has a place in its column, and rows beside them where a column would read otherwise."""
    missing, kinds, dates = spec["rows"]["missing"], spec["rows"]["kinds"], spec["rows"]["dates"]
    for name, kind in kinds.items():
        odd = odd_cells(cells[name], kind, dates.get(name), missing)
        if odd.any():
            cell, wanted = cells[name][odd].iloc[0], dates.get(name) or kind
            raise Refused(
                f"{path}, row {int(odd.argmax()) + 1}: {name!r} is {cell!r} where the programs know {wanted}"
            )
    read = pd.read_csv(io.StringIO(cells.to_csv(index=False)), low_memory=False)
    wanting = [c for c in spec["rows"]["text_columns"] if kind_of(read[c]) != "text"]
    beside = pd.DataFrame(spec["rows"]["companions"], columns=cells.columns, dtype=object)
    beside = beside[~beside[spec["id"]].isin(cells[spec["id"]].astype(str))]
    if lost := [c for c in wanting if not reads_as_text(beside[c], missing).any()]:
        raise Refused(f"{path}: no cell of {lost[0]!r} reads as text, as in the programs' own table")
    return pd.concat([cells, beside], ignore_index=True) if wanting else cells
