# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tables with pictures in them, as the `datasets` package saves and publishes them, read without that package."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from verl_visual_rft.datasets.stored_rows import MOST_PARQUET_BYTES, open_parquet, plain_rows, require_sound
from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_json_object, require_regular
from verl_visual_rft.tasks.question import Picture

# train-00000-of-00007.parquet; older uploads have a hash before the suffix.
_SHARD = re.compile(r"(?P<split>.+?)-(?P<number>\d{5})-of-(?P<total>\d{5})(-[0-9a-f]{16})?")
_SPLITS = {"train": "train", "validation": "val", "val": "val", "test": "test"}
_BATCH_ROWS = 8
_REMEDY = "save the set again"
_LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class TablePicture(Picture):
    """A picture that is a cell of the column ``image``; its bytes are fetched when they are read."""

    row: int = 0  #: Row of the table ``path``, counted from 0.

    def read(self) -> bytes:
        """Return the encoded image as it is in the table."""
        if self.path.suffix == ".arrow":
            data = _arrow_images(self.path)[self.row]["bytes"]
        else:
            start, group = _group_of(self.path, self.row)
            data = _parquet_images(self.path, group)[self.row - start]["bytes"]
        encoded: bytes = data.as_py()
        return encoded


def find_tables(root: Path) -> dict[str, tuple[Path, ...]]:
    """Find the table files of each split.

    Args:
        root: A folder that ``save_to_disk`` wrote (of a Dataset or a DatasetDict), a downloaded repository of the hub
            (``data/*.parquet`` or ``*.parquet``), or one ``.parquet`` or ``.arrow`` file.

    Returns:
        By split ("train", "val" or "test", "train" where the names do not say), its files in their order.

    Raises:
        UserError: It is none of these, or a file of a split is missing.
    """
    if root.is_file() and root.suffix in (".parquet", ".arrow"):
        return {"train": (root,)}
    if (root / "dataset_dict.json").is_file():
        names = read_json_object(root / "dataset_dict.json", _REMEDY).get("splits")
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise UserError(f"{root / 'dataset_dict.json'}: no list of names under 'splits'; {_REMEDY}")
        unknown = [name for name in names if name not in _SPLITS]
        if unknown:
            raise UserError(f"{root} has splits {', '.join(map(repr, unknown))}; known are {', '.join(_SPLITS)}")
        if len({_SPLITS[name] for name in names}) < len(names):
            raise UserError(f"{root} has splits {', '.join(map(repr, names))}, two of which mean the same")
        return {_SPLITS[name]: _saved_files(_inside(root, name)) for name in names}
    if (root / "state.json").is_file():
        return {"train": _saved_files(root)}
    for folder in (root / "data", root):
        if files := sorted(folder.glob("*.parquet")):
            return _published_files(files)
    raise UserError(
        f"{root} holds no published set. Expected data/*.parquet (a downloaded hub repository), dataset_dict.json or "
        "state.json (a folder of `save_to_disk`), or one .parquet or .arrow file."
    )


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a ``.parquet`` file, or of an ``.arrow`` file that streams, with few of them in memory.

    Raises:
        UserError: The file cannot be read, or has no such column.
    """
    _refuse_pointer(path)
    try:
        if path.suffix == ".arrow":
            with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as stream:
                _require_columns(path, stream.schema, columns)
                for batch in stream:
                    for start in range(0, batch.num_rows, _BATCH_ROWS):
                        yield from plain_rows(batch.select(columns).slice(start, _BATCH_ROWS), str(path))
        else:
            with open_parquet(path) as file:
                _require_columns(path, file.schema_arrow, columns)
                for group in range(file.num_row_groups):  # all at once would keep groups that were read in memory
                    for batch in file.iter_batches(_BATCH_ROWS, [group], columns, use_threads=False):
                        yield from plain_rows(batch, str(path))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}; download or save it again") from error


def _saved_files(folder: Path) -> tuple[Path, ...]:
    entries = read_json_object(folder / "state.json", _REMEDY).get("_data_files")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and "filename" in entry for entry in entries):
        raise UserError(f"{folder / 'state.json'}: no files listed under '_data_files'; {_REMEDY}")
    files = tuple(_inside(folder, str(entry["filename"])) for entry in entries)
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise UserError(f"{folder} is not complete: {', '.join(missing)} of its state.json is missing")
    return files


def _published_files(files: Sequence[Path]) -> dict[str, tuple[Path, ...]]:
    splits: dict[str, list[Path]] = {}
    for path in files:
        shard = _SHARD.fullmatch(path.stem)
        splits.setdefault(_SPLITS.get(shard["split"] if shard else path.stem, "train"), []).append(path)
    for split, paths in splits.items():
        shards = [shard for path in paths if (shard := _SHARD.fullmatch(path.stem))]
        total = max((int(shard["total"]) for shard in shards), default=0)
        lacking = sorted({*range(total)} - {int(shard["number"]) for shard in shards})
        if lacking:
            raise UserError(
                f"{files[0].parent} is not complete: of the {total} files of {split!r}, "
                f"{', '.join(f'{number:05d}' for number in lacking)} are missing; download the set again"
            )
    return {split: tuple(paths) for split, paths in splits.items()}


def _inside(folder: Path, name: str) -> Path:
    if Path(name).name != name or name in ("", ".."):
        raise UserError(f"{folder}: {name!r} in its description leads out of the folder")
    return folder / name


def _refuse_pointer(path: Path) -> None:
    try:
        require_regular(path, MOST_PARQUET_BYTES)
        with path.open("rb") as file:
            head = file.read(len(_LFS_POINTER))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    if head == _LFS_POINTER:
        raise UserError(f"{path} is a Git LFS pointer and not the table itself; run `git lfs pull` where you cloned it")


def _require_columns(path: Path, schema: pa.Schema, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in schema.names]
    if missing:
        raise UserError(
            f"{path}: no column {', '.join(map(repr, missing))}; it has {', '.join(map(repr, schema.names))}, and a "
            f"published set has {', '.join(map(repr, columns))}"
        )


@lru_cache(maxsize=16)
def _arrow_images(path: Path) -> pa.ChunkedArray:
    images = pa.ipc.open_stream(pa.memory_map(str(path))).read_all()["image"]
    # Of the pictures it looks at the places, and leaves them on the disk.
    require_sound(images, f"{path}: column 'image'")
    return images


@lru_cache(maxsize=1)  # rows are asked for in their order
def _parquet_images(path: Path, group: int) -> pa.ChunkedArray:
    images = pq.ParquetFile(path).read_row_group(group, columns=["image"], use_threads=False)["image"]
    require_sound(images, f"{path}: row group {group}, column 'image'")
    return images


def _group_of(path: Path, row: int) -> tuple[int, int]:
    """Return the first row of the row group that holds a row, and the number of that group."""
    start = 0
    for group, rows in enumerate(_group_rows(path)):
        if row < start + rows:
            return start, group
        start += rows
    raise IndexError(f"{path} has {start} rows, not {row + 1}")


@lru_cache(maxsize=16)
def _group_rows(path: Path) -> tuple[int, ...]:
    metadata = pq.read_metadata(path)
    return tuple(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
