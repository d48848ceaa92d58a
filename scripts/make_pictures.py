# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
#
# /// script
# requires-python = ">=3.10"
# dependencies = ["pillow==12.0.0", "resvg_py==0.5.0"]
# ///
"""Make the pictures of verl_visual_rft/miniature/pictures again from the packages that they come from.

    mkdir work && cd work
    npm pack @lobehub/fluent-emoji-3d@1.1.0 @iconify-json/noto@1.2.9
    apt-get download dataset-fashion-mnist
    cd .. && uv run scripts/make_pictures.py work

With the library versions above the same packages give the same bytes. What is made, and from what: NOTICE.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import resvg_py
from PIL import Image

ROOT = Path(__file__).parents[1] / "verl_visual_rft/miniature"
LONGEST = 96  # pixels of an object's longer side
RENDERED = 256  # pixels of a drawing before it is cropped and scaled
#: Pictures of each class: the first of the original training file are for pretraining, those after them for
#: fine-tuning; the first of the original test file are for validation.
FASHION = {"pretraining": ("train", 0, 100), "train": ("train", 100, 16), "val": ("t10k", 0, 30)}
CLASSES = 10
TILE = 28


def main() -> None:
    """Read the packages of a folder and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=Path, help="folder with the two npm archives and the Debian package")
    parser.add_argument("--out", type=Path, default=ROOT / "pictures", help="default: where the package has them")
    options = parser.parse_args()
    try:
        _make(options.packages, options.out)
    except (OSError, KeyError, ValueError, tarfile.TarError, subprocess.CalledProcessError) as error:
        sys.exit(f"{options.packages}: a package is missing or damaged ({error!r}); fetch all three again: --help")


def _make(packages: Path, out: Path) -> None:
    """Make all in a folder of its own first: what was there stays if a package is missing."""
    drawings = {"fluent": _fluent(packages), "noto": _noto(packages)}
    with TemporaryDirectory(dir=out.parent) as made:
        for artist, pictures in drawings.items():
            folder = Path(made, artist)
            folder.mkdir()
            for name, picture in pictures:
                _fitted(picture).save(folder / f"{name}.webp", quality=90, method=6)
        folder = Path(made, "fashion")
        folder.mkdir()
        for split, sheet in _fashion(packages):
            sheet.save(folder / f"{split}.png", optimize=True)
        for name in (*drawings, "fashion"):
            shutil.rmtree(out / name, ignore_errors=True)
            shutil.copytree(Path(made, name), out / name)


def _code_points() -> dict[str, str]:
    """Names and code points of the objects, without importing the package: it is not installed here."""
    spec = importlib.util.spec_from_file_location("things", ROOT / "things.py")
    assert spec and spec.loader
    things = importlib.util.module_from_spec(spec)
    sys.modules["things"] = things
    spec.loader.exec_module(things)
    return {thing.name: thing.code_point for thing in things.THINGS}


def _only(packages: Path, pattern: str) -> Path:
    found = sorted(packages.glob(pattern))
    if len(found) != 1:
        raise ValueError(f"{len(found)} files {pattern}")
    return found[0]


def _fluent(packages: Path) -> Iterator[tuple[str, Image.Image]]:
    with tarfile.open(_only(packages, "lobehub-fluent-emoji-3d-*.tgz")) as archive:
        for name, code_point in _code_points().items():
            file = archive.extractfile(f"package/assets/{code_point}.webp")
            assert file
            yield name, Image.open(io.BytesIO(file.read())).convert("RGBA")


def _noto(packages: Path) -> Iterator[tuple[str, Image.Image]]:
    with tarfile.open(_only(packages, "iconify-json-noto-*.tgz")) as archive:
        icons, names = (json.load(archive.extractfile(f"package/{file}.json")) for file in ("icons", "chars"))  # type: ignore[arg-type]
    for name, code_point in _code_points().items():
        icon = icons["icons"][names[code_point.removesuffix("-fe0f")]]
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="0 0 {icons["width"]} {icons["height"]}">{icon["body"]}</svg>'
        )
        png = resvg_py.svg_to_bytes(svg_string=svg, width=RENDERED, height=RENDERED)
        yield name, Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def _fitted(picture: Image.Image) -> Image.Image:
    """Return what is seen of the picture, its longer side `LONGEST` pixels."""
    cropped = picture.crop(picture.getchannel("A").point(lambda alpha: 255 * (alpha >= 128)).getbbox())
    scale = LONGEST / max(cropped.size)
    return cropped.resize((round(cropped.width * scale), round(cropped.height * scale)), Image.Resampling.LANCZOS)


def _fashion(packages: Path) -> Iterator[tuple[str, Image.Image]]:
    """Yield a sheet for each split: a row of tiles for each class, in the order of the original's numbers."""
    with TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", _only(packages, "dataset-fashion-mnist_*.deb"), folder], check=True)
        for split, (original, first, count) in FASHION.items():
            pixels, labels = (
                gzip.decompress(next(Path(folder).rglob(f"{original}-{kind}.gz")).read_bytes())[header:]
                for kind, header in (("images-idx3-ubyte", 16), ("labels-idx1-ubyte", 8))
            )
            sheet = Image.new("L", (TILE * count, TILE * CLASSES))
            for label in range(CLASSES):
                numbers = [number for number, found in enumerate(labels) if found == label][first : first + count]
                for column, number in enumerate(numbers):
                    tile = pixels[TILE * TILE * number :][: TILE * TILE]
                    sheet.paste(Image.frombytes("L", (TILE, TILE), tile), (TILE * column, TILE * label))
            yield split, sheet


if __name__ == "__main__":
    main()
