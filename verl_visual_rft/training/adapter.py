# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A LoRA adapter, as a checkpoint of veRL's FSDP engine holds it, merged into the model that it was trained on.

veRL's own merger writes the model without its adapter, or, of a checkpoint that is the adapter alone, an empty one.
"""

from __future__ import annotations
