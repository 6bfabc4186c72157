"""Reading and writing tables: what goes in comes back, and each fault is one line that says where."""

import gzip
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.state.errors import GomeError
from gome.tools.data.tables import LARGE, count_rows, read_columns, read_table, write_table

TEXT = "a,b\n1,x\n2,y\n"


def error_of(path: Path) -> str:
    with pytest.raises(GomeError) as caught:
        read_table(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".csv.zip", ".parquet"])
def test_a_table_comes_back_as_it_was_written(tmp_path: Path, suffix: str) -> None:
    table = pd.DataFrame({"n": [1, 2, 3], "x": [0.1, None, -2.5], "s": ['a,"b"', "ü\nnew line", None]})
    write_table(table, tmp_path / f"t{suffix}")
    back = read_table(tmp_path / f"t{suffix}")
    pd.testing.assert_frame_equal(back, table, check_dtype=False)
    assert read_columns(tmp_path / f"t{suffix}") == ["n", "x", "s"]
    assert list(read_table(tmp_path / f"t{suffix}", columns=["s"], rows=2).columns) == ["s"]
    assert len(read_table(tmp_path / f"t{suffix}", rows=2)) == 2


def test_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert list(read_table(tmp_path / "t.csv").columns) == ["a", "b"]


def test_not_utf8_names_the_byte(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,caf\xe9\n")
    assert "byte 0xe9 at offset 9" in error_of(tmp_path / "t.csv")


@given(st.integers(min_value=0, max_value=3_000_000))
def test_the_offset_of_the_bad_byte_is_exact(tmp_path_factory: pytest.TempPathFactory, rows: int) -> None:
    path = tmp_path_factory.mktemp("t") / "t.csv"
    good = b"a\n" + "é\n".encode() * (rows // 3 % 400_000)
    path.write_bytes(good + b"\xff\n")
    assert f"offset {len(good)}" in error_of(path)


def test_faults_of_a_file(tmp_path: Path) -> None:
    assert "no such file" in error_of(tmp_path / "absent.csv")
    assert "folder" in error_of(tmp_path)
    for name, content, said in [
        ("empty.csv", b"", "empty"),
        ("header.csv", b"a,b\n", "no rows"),
        ("twice.csv", b"a,b,a\n1,2,3\n", "'a' occurs more than once"),
        ("long.csv", b"a,b\n1,2\n1,2,3\n", "line 3: 3 fields where the header has 2"),
        ("short.csv", b"a,b,c\n1,2,3\n1,2\n", "line 3: 2 fields where the header has 3"),
        ("index.csv", b"a,b\n0,1,2\n1,3,4\n", "line 2: 3 fields"),
        ("semicolons.csv", b"a;b\n1;2\n", "comma"),
        ("broken.parquet", b"PAR1 but not really", "not a readable Parquet file"),
        ("broken.csv.gz", b"no gzip at all", "damaged"),
        ("broken.csv.zip", b"no zip at all", "damaged"),
        ("notes.txt", b"hello", "not a table"),
    ]:
        (tmp_path / name).write_bytes(content)
        assert said in error_of(tmp_path / name), name


def test_a_missing_last_field_is_no_short_row(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,\n2,x\n\n")
    assert read_table(tmp_path / "t.csv")["b"].isna().tolist() == [True, False]


def test_truncated_gzip_is_told(tmp_path: Path) -> None:
    whole = gzip.compress((TEXT * 1000).encode())
    (tmp_path / "t.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert "t.csv.gz" in error_of(tmp_path / "t.csv.gz")


def test_zip_of_two_tables_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)
    assert "alone" in error_of(tmp_path / "t.csv.zip")


def test_of_a_large_table_only_the_first_rows_are_read(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": range(1000), "b": [f"{i}" for i in range(1000)]})
    table.to_parquet(tmp_path / "t.parquet", row_group_size=100)
    write_table(table, tmp_path / "t.csv")
    for name in ("t.parquet", "t.csv"):
        assert read_table(tmp_path / name, rows=150, columns=["a"])["a"].tolist() == list(range(150))
        assert count_rows(tmp_path / name) == 1000
    with (tmp_path / "t.csv").open("ab") as file:
        file.truncate(LARGE + 1)
    assert count_rows(tmp_path / "t.csv") is None


def test_a_line_without_end_is_no_table(tmp_path: Path) -> None:
    with (tmp_path / "t.csv").open("wb") as file:
        file.write(b"a,b")
        file.truncate(20 << 30)
    with pytest.raises(GomeError, match="its first line has no end within"):
        read_table(tmp_path / "t.csv")
