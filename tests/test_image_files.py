# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of opening pictures: by content, in a stated list of formats, and never by running a program."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import EpsImagePlugin, Image

import verl_visual_rft
from verl_visual_rft import image_files
from verl_visual_rft.datasets.images import load_picture
from verl_visual_rft.datasets.readers import jsonl, virft_hub
from verl_visual_rft.datasets.row_checks import decode
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.datasets.stored_rows import read_header
from verl_visual_rft.datasets.view import _data_uri
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.masks import read_true_mask
from verl_visual_rft.evaluation.predict.engines.pictures import load_image
from verl_visual_rft.evaluation.report.pictures import data_uris
from verl_visual_rft.evaluation.sam import _segment
from verl_visual_rft.image_files import FORMATS, NotAPicture, TooManyPixels, open_picture, upright_size
from verl_visual_rft.tasks.question import Picture
from verl_visual_rft.training.monitoring.loggers import draw

PACKAGE = Path(verl_visual_rft.__file__).parent
#: Further formats that Pillow both writes and, left to itself, reads.
REFUSED = ("EPS", "ICO", "PCX", "SGI", "TGA", "MSP", "SPIDER", "XBM", "DDS", "ICNS", "QOI")


def encoded(file_format: str, mode: str = "RGB", size: tuple[int, int] = (64, 32)) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, file_format)
    return buffer.getvalue()


def as_row(data: bytes) -> dict[str, object]:
    image = {"bytes": data, "min_pixels": 3136, "max_pixels": 401408}
    return {
        "images": [image],
        "extra_info": {"index": 0, "file_name": "1.jpg", "category": "cat", "width": 64, "height": 32},
    }


#: Every place that opens a picture's bytes.
OPENERS: dict[str, Callable[[bytes], object]] = {
    "data prep": lambda data: load_picture(Picture("1", Path("none"), "1.jpg", data=data)),
    "published table": lambda data: virft_hub._image("row 0", {"bytes": data}),
    "validate": decode,
    "inspect": read_header,
    "view": _data_uri,
    "predict": lambda data: load_image(as_row(data)),
    "segment": lambda data: _segment(SimpleNamespace(), as_row(data), (0, 0, 1, 1), Path("val.parquet")),  # type: ignore[arg-type]
    "report": lambda data: list(data_uris([data], 1000)),
    "samples": lambda data: draw(
        SimpleNamespace(  # type: ignore[arg-type]
            question=SimpleNamespace(picture="data:;base64," + b64encode(data).decode(), width=1, height=1, boxes=()),
            boxes=(),
        )
    ),
}
#: Those that open a file.
FILE_OPENERS: dict[str, Callable[[Path], object]] = {
    "json lines": jsonl._upright_size,
    "reasonseg": upright_size,
    "mask": read_true_mask,
}


@pytest.fixture
def ghostscript_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a ``gs`` first on the path that says that it ran."""
    log, program = tmp_path / "ran", tmp_path / "bin/gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {log}\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    return log


def test_pillow_by_itself_runs_ghostscript(ghostscript_log: Path) -> None:
    with Image.open(io.BytesIO(encoded("EPS"))) as image, pytest.raises(Exception, match="gs"):
        image.load()
    assert ghostscript_log.exists()


@pytest.mark.parametrize("name", OPENERS)
def test_no_reader_of_bytes_runs_a_program(name: str, ghostscript_log: Path) -> None:
    try:
        OPENERS[name](encoded("EPS"))
    except UserError as error:
        assert "no picture in a known format" in str(error)
    assert not ghostscript_log.exists()


@pytest.mark.parametrize("name", FILE_OPENERS)
def test_no_reader_of_files_runs_a_program(name: str, ghostscript_log: Path, tmp_path: Path) -> None:
    path = tmp_path / "1.jpg"
    path.write_bytes(encoded("EPS"))
    try:
        assert FILE_OPENERS[name](path) is None
    except UserError as error:
        assert "no picture in a known format" in str(error)
    assert not ghostscript_log.exists()


def test_every_picture_is_opened_here() -> None:
    calls = {
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if path != Path(image_files.__file__)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Image.open", "PIL.Image.open")
    }
    assert not calls


@pytest.mark.parametrize("file_format", FORMATS)
def test_pictures_of_the_listed_formats_are_opened(file_format: str, tmp_path: Path) -> None:
    data = encoded(file_format)
    (tmp_path / "any.name").write_bytes(data)
    for source in (data, tmp_path / "any.name"):
        with open_picture(source) as image:
            image.load()
            assert image.size == (64, 32)


@pytest.mark.parametrize("file_format", REFUSED)
def test_what_is_not_listed_is_no_picture(file_format: str) -> None:
    mode, size = {"MSP": "1", "XBM": "1", "SPIDER": "F"}.get(file_format, "RGB"), (16, 16)
    data = encoded(file_format, mode, size)
    Image.open(io.BytesIO(data)).close()  # Pillow knows it
    with pytest.raises(NotAPicture, match=r"no picture in a known format \(JPEG, .*AVIF\)"):
        open_picture(data)


@pytest.mark.parametrize("data", [b"", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>", b"%PDF-1.4", b"\0" * 999])
def test_what_is_no_picture_is_called_so(data: bytes) -> None:
    with pytest.raises(NotAPicture):
        open_picture(data)


def header_of(width: int, height: int) -> bytes:
    """Return a BMP's header that claims any size, without its pixels."""
    data = bytearray(encoded("BMP"))
    data[18:22], data[22:26] = width.to_bytes(4, "little"), height.to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(("width", "height"), [(13_378, 13_378), (178_956_971, 1), (50_000, 50_000), (1, 2**31 - 1)])
def test_too_many_pixels_are_no_attack_but_have_a_remedy(width: int, height: int) -> None:
    with pytest.raises(TooManyPixels, match="more than 179 million pixels, the most that are decoded; make it smaller"):
        open_picture(header_of(width, height))
    skip = load_picture(Picture("1", Path("none"), "1.bmp", data=header_of(width, height)))
    assert isinstance(skip, Skip) and skip.rule == "too many pixels"


def test_half_as_many_pixels_are_opened_without_a_warning(tmp_path: Path) -> None:
    (tmp_path / "large.bmp").write_bytes(header_of(13_370, 13_370))
    code = "from verl_visual_rft.image_files import *; print(open_picture(Path('large.bmp')).size)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("(13370, 13370)\n", "")


def linked(folder: Path, target: str) -> Picture:
    link = folder / "cat/1.jpg"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    return Picture("1", link, "cat/1.jpg", folder=folder)


@pytest.mark.parametrize("target", ["../../outside.jpg", "{tmp}/outside.jpg", "../chain.jpg", "../up/outside.jpg"])
def test_a_link_that_leads_out_of_the_folder_is_an_error(target: str, tmp_path: Path) -> None:
    (tmp_path / "outside.jpg").write_bytes(encoded("JPEG"))
    picture = linked(tmp_path / "root", target.format(tmp=tmp_path))
    (tmp_path / "root/chain.jpg").symlink_to("../outside.jpg")
    (tmp_path / "root/up").symlink_to("..")
    with pytest.raises(UserError, match="1.jpg is a link that leads out of .*root, to .*outside.jpg; put a copy"):
        load_picture(picture)


def test_a_file_below_a_linked_folder_is_outside_too(tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others/1.jpg").write_bytes(encoded("JPEG"))
    (tmp_path / "root").mkdir()
    (tmp_path / "root/cat").symlink_to(tmp_path / "others")
    with pytest.raises(UserError, match="leads out of"):
        load_picture(Picture("1", tmp_path / "root/cat/1.jpg", "cat/1.jpg", folder=tmp_path / "root"))


def test_links_inside_the_folder_and_a_linked_folder_are_followed(tmp_path: Path) -> None:
    picture = linked(tmp_path / "root", "../2.jpg")
    (tmp_path / "root/2.jpg").write_bytes(encoded("JPEG"))
    assert picture.read() == encoded("JPEG")
    (tmp_path / "alias").symlink_to("root")
    assert Picture("1", tmp_path / "alias/cat/1.jpg", "cat/1.jpg", folder=tmp_path / "alias").read()


def test_what_has_no_end_is_not_read_as_a_picture(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "1.jpg")
    for path in (tmp_path / "1.jpg", Path("/dev/zero")):
        skip = load_picture(Picture("1", path, "1.jpg"))
        assert isinstance(skip, Skip) and "is not a regular file" in skip.where
        assert jsonl._upright_size(path) is None
        assert upright_size(path) is None


@pytest.mark.parametrize("name", ["\udcff.jpg", "a\ud800/1.jpg", os.fsdecode(b"caf\xe9.jpg")])
def test_a_file_name_that_is_not_utf_8_is_named(name: str) -> None:
    with pytest.raises(UserError, match="the file's name is not UTF-8; rename it"):
        Picture("1", Path(name), name)


@pytest.mark.parametrize("name", ["a" * 300 + ".jpg", "a/" * 5000 + "1.jpg", "1.jpg/2.jpg"])
def test_a_file_name_that_no_file_can_have_is_left_out(name: str, tmp_path: Path) -> None:
    (tmp_path / "1.jpg").touch()
    assert isinstance(load_picture(Picture("1", tmp_path / name, "1.jpg", folder=tmp_path)), Skip)
