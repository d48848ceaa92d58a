# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Print name and version of those packages, of the ones named, that the running environment has."""

import sys
from importlib.metadata import PackageNotFoundError, version

for package in sys.argv[1:]:
    try:
        print(package, version(package))
    except PackageNotFoundError:
        continue
