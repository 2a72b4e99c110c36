"""Where tables are found."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from nasface.devices import (
    embedded_luts,
    find_lut,
    load_device,
    read_lut,
    replaceable_lut,
    user_folder,
    user_luts,
    write_lut,
)
from nasface.devices.lut_file import dump
from nasface.errors import InvalidInput, LookupTableError, UnknownName


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NASFACE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_embedded_device() -> None:
    device = load_device("sd865", {"lut": "sd865"})
    assert device.name == "sd865"
    assert device.lut is not None
    assert device.lut.name == "sd865"


def test_user_folder_and_path(home: Path, tmp_path: Path) -> None:
    assert user_luts() == {}
    (home / "luts").mkdir(parents=True)
    mine = home / "luts" / "my_phone.json"
    shutil.copy(embedded_luts()["sd765"], mine)
    (home / "luts" / "not an option.json").touch()
    assert user_luts() == {"my_phone": mine}
    assert find_lut("my_phone") == find_lut(str(mine)) == mine
    copy = Path(shutil.copy(mine, tmp_path / "elsewhere.json"))
    device = load_device("phone", {"lut": str(copy)})
    assert device.lut is not None
    assert device.lut.name == "elsewhere"


def test_users_table_wins_over_an_embedded_one(home: Path) -> None:
    (home / "luts").mkdir(parents=True)
    shutil.copy(embedded_luts()["sd765"], home / "luts" / "sd865.json")
    assert find_lut("sd865").parent == home / "luts"


def test_default_user_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NASFACE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_folder() == tmp_path / ".nasface" / "luts"


def test_unknown_names(home: Path) -> None:
    with pytest.raises(UnknownName, match=r"Unknown latency table 'sd856'. Did you mean 'sd865'"):
        find_lut("sd856")
    with pytest.raises(UnknownName, match=r"Unknown parameter of device sd865 'lot'. Did you mean 'lut'"):
        load_device("sd865", {"lot": "sd865"})


def test_a_folder_named_like_a_table_is_no_table(home: Path) -> None:
    (home / "luts" / "odd.json").mkdir(parents=True)
    with pytest.raises(LookupTableError, match=r"Cannot read the latency table"):
        load_device("odd", {"lut": "odd"})


def test_device_without_table() -> None:
    assert load_device("none", {}).lut is None


def _table_of(path: Path, precision: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    known = read_lut(embedded_luts()["sd765"])
    write_lut(replace(known, provenance=replace(known.provenance, precision=precision)), path)
    return path


def test_files_that_compute_in_integers_have_a_table_of_their_own(home: Path, tmp_path: Path) -> None:
    mine = _table_of(home / "luts" / "mine.json", "float32")
    assert load_device("mine", {"lut": "mine"}, "int8").path == mine, "nothing better is known"
    integers = _table_of(home / "luts" / "mine_int8.json", "int8")
    assert load_device("mine", {"lut": "mine"}, "int8").path == integers
    assert load_device("mine", {"lut": "mine"}).path == mine
    assert load_device("named", {"lut": "mine_int8"}, "int8").path == integers
    elsewhere = _table_of(tmp_path / "here.json", "float32")
    beside = _table_of(tmp_path / "here_int8.json", "int8")
    assert load_device("here", {"lut": str(elsewhere)}, "int8").path == beside


def test_a_measured_table_is_replaced_only_if_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASFACE_HOME", str(tmp_path))
    path = replaceable_lut("my_phone", False)
    path.parent.mkdir(parents=True)
    estimated = read_lut(find_lut("sd865"))
    write_lut(estimated, path)
    assert replaceable_lut("my_phone", False) == path
    for content in (dump(replace(estimated, provenance=replace(estimated.provenance, kind="measured"))), "{"):
        path.write_text(content)
        with pytest.raises(InvalidInput, match=r"has a table already \((measured|damaged)\).*lut\.replace=true"):
            replaceable_lut("my_phone", False)
        assert replaceable_lut("my_phone", True) == path
