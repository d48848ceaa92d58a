# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Forget the packages of which files are missing or cut short, so that no installer takes them for installed.

An installation that ends in the middle (a full disk, a kill) leaves metadata beside an incomplete package.
"""

import shutil
import sysconfig
from importlib.metadata import Distribution
from pathlib import Path


def is_whole(package: Distribution) -> bool:
    """Are all files of its RECORD there, none shorter than recorded? To longer ones somebody has added on purpose."""
    if package.files is None:
        return False
    for file in package.files:
        path = Path(file.locate())
        if path.suffix != ".pyc" and not (path.is_file() and path.stat().st_size >= (file.size or 0)):
            return False
    return True


for folder in sorted(Path(sysconfig.get_path("purelib")).glob("*.dist-info")):
    if not is_whole(Distribution.at(folder)):
        shutil.rmtree(folder)
        print(f"  {folder.stem} is incomplete, and is installed again")
