# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Start-up hook of an environment whose torchvision was built for another torch.

`verl_visual_rft.doctor.repair` copies this file into site-packages beside a `.pth` file that imports it, so it stands
alone and imports nothing heavy. The compiled half of such a torchvision does not load, and `import torchvision` then
raises "operator torchvision::nms does not exist", because its Python half registers a fake kernel for an operator that
has no schema. Declaring the two schemas first is enough for image processing; calling the operators still raises.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


class SchemasBeforeTorchvision:
    """Import hook: declares the schemas when torchvision is first asked for, then leaves its import to the others."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None always; the side effect is the declaration."""
        if fullname != "torchvision":
            return None
        sys.meta_path.remove(self)
        import torch

        self.library = torch.library.Library("torchvision", "DEF")  # the schemas live as long as this object
        for schema in SCHEMAS:
            self.library.define(schema)
        KEPT_ALIVE.append(self)
        return None


KEPT_ALIVE: list[SchemasBeforeTorchvision] = []
sys.meta_path.insert(0, SchemasBeforeTorchvision())
