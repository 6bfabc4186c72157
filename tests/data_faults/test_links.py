"""Links in a task folder: what lies outside of it gets into no input."""

import os
from pathlib import Path

import pytest

from gome.state.errors import GomeError
from tests.task_files import make_task, open_inputs


@pytest.mark.parametrize("folder", [False, True])
def test_a_link_that_leads_out_is_refused_in_one_line(tmp_path: Path, folder: bool) -> None:
    make_task(tmp_path / "task")
    private = tmp_path / "home"
    private.mkdir()
    (private / "key").write_text("secret")
    link = tmp_path / "task" / ("etc" if folder else "readme.txt")
    link.symlink_to(private if folder else private / "key")
    with pytest.raises(GomeError) as raised:
        open_inputs(tmp_path / "task")
    assert str(link) in str(raised.value)
    assert "links_root" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_description_is_not_read_over_a_link(tmp_path: Path) -> None:
    make_task(tmp_path / "task")
    (tmp_path / "key").write_text("secret")
    (tmp_path / "task" / "description.md").symlink_to(tmp_path / "key")
    with pytest.raises(GomeError, match="outside of the task folder"):
        open_inputs(tmp_path / "task")


def test_links_inside_and_below_one_declared_folder_are_followed(tmp_path: Path) -> None:
    make_task(tmp_path / "task")
    store = tmp_path / "store"
    store.mkdir()
    (store / "blob").write_text("words")
    (tmp_path / "task" / "a.txt").symlink_to(store / "blob")
    (tmp_path / "task" / "b.txt").symlink_to("a.txt")
    with (tmp_path / "task" / "task.yaml").open("a") as file:
        file.write("links_root: ../store\n")
    folder = open_inputs(tmp_path / "task").input_dir("search", 0)
    for name in ("a.txt", "b.txt"):
        assert (folder / name).read_text() == "words"
        assert not (folder / name).is_symlink()
    (tmp_path / "elsewhere").write_text("secret")
    (tmp_path / "task" / "c.txt").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GomeError, match="elsewhere"):
        open_inputs(tmp_path / "task")


def test_links_into_what_no_program_sees_are_refused(tmp_path: Path) -> None:
    make_task(tmp_path / "task")
    (tmp_path / "task" / "private").mkdir()
    (tmp_path / "task" / "private" / "test.csv").write_text("id,y\n")
    (tmp_path / "task" / "extra").symlink_to("private")
    with pytest.raises(GomeError, match="no program may see"):
        open_inputs(tmp_path / "task")


def test_a_link_to_a_folder_above_it_ends(tmp_path: Path) -> None:
    make_task(tmp_path / "task")
    (tmp_path / "task" / "more").mkdir()
    (tmp_path / "task" / "more" / "words.txt").write_text("words")
    (tmp_path / "task" / "more" / "up").symlink_to("..")
    folder = open_inputs(tmp_path / "task").input_dir("search", 0)
    assert (folder / "more" / "words.txt").read_text() == "words"
    assert not (folder / "more" / "up").exists()


def test_a_file_name_that_no_record_can_hold_is_refused_in_one_line(tmp_path: Path) -> None:
    make_task(tmp_path / "task")
    (tmp_path / "task" / os.fsdecode(b"notes-\xe4.txt")).touch()
    with pytest.raises(GomeError, match=r"notes-.udce4.txt': the file's name is no UTF-8; rename the file"):
        open_inputs(tmp_path / "task")
