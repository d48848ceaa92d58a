# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature data sets in their original layouts, drawn by a program, for tests and smoke runs.

File names, formats, annotations and known quirks are those of the originals; pictures are blobs on a coloured ramp.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from verl_visual_rft.errors import UserError
from verl_visual_rft.locks import alone
from verl_visual_rft.miniature.originals.cars196 import write_cars196
from verl_visual_rft.miniature.originals.coco import write_coco, write_mg
from verl_visual_rft.miniature.originals.fgvc_aircraft import write_fgvc_aircraft
from verl_visual_rft.miniature.originals.flowers102 import write_flowers102
from verl_visual_rft.miniature.originals.lvis import write_lvis
from verl_visual_rft.miniature.originals.pets37 import write_pets37
from verl_visual_rft.miniature.originals.reasonseg import write_reasonseg
from verl_visual_rft.miniature.originals.virft_hub import write_virft_hub

#: By name, what writes a data set: (folder, seed).
FAKES: Mapping[str, Callable[[Path, int], None]] = {
    "cars196": write_cars196,
    "coco": write_coco,
    "fgvc_aircraft": write_fgvc_aircraft,
    "flowers102": write_flowers102,
    "lvis": write_lvis,
    "mg": write_mg,
    "pets37": write_pets37,
    "reasonseg": write_reasonseg,
    "virft_hub": write_virft_hub,
}


def write_fake(name: str, out: Path, seed: int = 0) -> None:
    """Write a miniature data set; the same seed gives the same bytes.

    Args:
        name: A key of `FAKES`, or "lisa", as the preparation of reasonseg is called.
        out: Folder to make. It appears when the data set is complete.
        seed: Seed of the pictures and of every draw.

    Raises:
        UserError: Unknown name, ``out`` holds something already, or it cannot be written.
    """
    name = {"lisa": "reasonseg"}.get(name, name)
    if name not in FAKES:
        raise UserError(f"no miniature data set {name!r}; there are {', '.join(FAKES)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} holds something already; give a folder that is new or empty")
    staging = out.with_name(f"{out.name}.partial")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with alone(out, out.with_name(f".{out.name}.lock")):
            try:
                shutil.rmtree(staging, ignore_errors=True)  # what a killed run left behind
                staging.mkdir()
                FAKES[name](staging, seed)
                staging.replace(out)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error}") from error
