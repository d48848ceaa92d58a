# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a folder is the original data set that a recipe reads: its first files are looked for, nothing is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from verl_visual_rft.datasets.coco_layout import find_layout
from verl_visual_rft.datasets.readers import cars196, fgvc_aircraft, flowers102, pets37
from verl_visual_rft.datasets.readers.classification import require
from verl_visual_rft.datasets.readers.lvis import find_annotations
from verl_visual_rft.errors import UserError

_REASONSEG_LAYOUT = "  train/  val/  test/     NAME.jpg and NAME.json each (the folder ReasonSeg of LISA's data)"


def check_data_root(data_set: str, root: Path) -> None:
    """Refuse a folder that is not in the original layout of a data set.

    Args:
        data_set: A key of `DATA_SETS`.
        root: Its folder.

    Raises:
        UserError: The folder is missing, or the data set's files are not in it; the message shows the layout.
    """
    if data_set not in DATA_SETS:
        raise UserError(f"data set {data_set} is none of {', '.join(DATA_SETS)}")
    if not root.is_dir():
        raise UserError(f"DATA_ROOT {root}: no such folder; set DATA_ROOT to the original {data_set} data")
    try:
        DATA_SETS[data_set](root)
    except UserError as error:
        raise UserError(f"DATA_ROOT is not the original {data_set} data: {error}") from error


def _fgvc_aircraft(root: Path) -> None:
    inner = [root / folder for folder in ("fgvc-aircraft-2013b/data", "data") if (root / folder).is_dir()]
    require((inner or [root])[0], ["images/", "variants.txt"], fgvc_aircraft.LAYOUT)


#: Data set, as its script in data_prep/ is called -> what raises a `UserError` for a folder that is not it.
DATA_SETS: Mapping[str, Callable[[Path], object]] = {
    "coco": find_layout,
    "lvis": lambda root: find_annotations(root, "val"),  # open vocabulary needs no more
    "mg": find_layout,
    "flowers102": lambda root: require(root, ["jpg/", "imagelabels.mat"], flowers102.LAYOUT),
    "pets37": lambda root: require(root, ["images/"], pets37.LAYOUT),
    "fgvc_aircraft": _fgvc_aircraft,
    "cars196": lambda root: require(root, ["cars_train/", "cars_test/"], cars196.LAYOUT),
    "lisa": lambda root: require(root, ["train/", "val/", "test/"], _REASONSEG_LAYOUT),
}
