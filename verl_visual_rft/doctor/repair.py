# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Repair what the package index installs broken beside a CPU torch; touch nothing that works.

Run as `python -m verl_visual_rft.doctor.repair` after an installation (`scripts/setup.sh` does). Three packages can be:

* torchvision from PyPI is built for CUDA. Beside a CPU torch, `import torchvision` raises "operator torchvision::nms
  does not exist". The remedy is the start-up hook of `torchvision_schemas.py`, installed into this environment.
* torchcodec and torchaudio then raise an OSError that vLLM does not catch. Their absence is something that vLLM
  handles, so they are uninstalled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from verl_visual_rft.doctor.finding import import_error
from verl_visual_rft.doctor.versions import UNINSTALLED_WHEN_BROKEN
from verl_visual_rft.errors import UserError

HOOK_NAME = "_visual_rft_torchvision_schemas"
MISSING_SCHEMA = "operator torchvision::nms does not exist"


def repair_torchvision(site_packages: Path) -> str:
    """Install the schema hook where `import torchvision` fails for want of it; remove a hook that is no longer needed.

    Returns:
        What was found and done, in one line.

    Raises:
        UserError: torchvision fails for another reason, which the hook cannot mend.
    """
    module, pth = site_packages / f"{HOOK_NAME}.py", site_packages / f"{HOOK_NAME}.pth"
    pth.unlink(missing_ok=True)
    module.unlink(missing_ok=True)
    error = import_error("torchvision")
    if error is None:
        return "torchvision: imports, left alone"
    if MISSING_SCHEMA in error:
        shutil.copyfile(Path(__file__).with_name("torchvision_schemas.py"), module)
        unfinished = pth.with_suffix(".tmp")
        unfinished.write_text(f"import {HOOK_NAME}\n", encoding="utf-8")
        os.replace(unfinished, pth)
        error = import_error("torchvision")
        if error is None:
            return "torchvision: built for another torch; operator schemas are now declared at its import"
    raise UserError(f"torchvision does not import: {error}. Remedy: install the torchvision that matches this torch.")


def uninstall_if_broken(package: str) -> str:
    """Uninstall a package where it is installed and cannot load.

    Returns:
        What was found and done, in one line.
    """
    error = import_error(package)
    if error is None:
        return f"{package}: imports, left alone"
    if error.startswith("ModuleNotFoundError"):
        return f"{package}: not installed, not needed"
    uninstall = [sys.executable, "-m", "pip", "uninstall", "--yes", "--quiet", package]
    subprocess.run(uninstall, check=True, stdout=subprocess.DEVNULL)
    return f"{package}: could not load its library, uninstalled (only sound and video need it)"


def main() -> int:
    """Repair the running environment and print one line a package.

    Returns:
        Exit status: 0 when everything imports or was repaired, 2 otherwise.
    """
    try:
        print(repair_torchvision(Path(sysconfig.get_path("purelib"))))
        for package in UNINSTALLED_WHEN_BROKEN:
            print(uninstall_if_broken(package))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
