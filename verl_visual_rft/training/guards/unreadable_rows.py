# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A row of the data that cannot be read ends the run with its place."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import wrapt

from verl_visual_rft.errors import UserError


def name_unreadable_rows(rl_dataset: ModuleType) -> None:
    """Have veRL's dataset say which row it cannot read.

    Symptom: the run ends with "cannot identify image file <_io.BytesIO object at 0x...>" of no file and no row.
    verl 0.9.1 ``utils/dataset/rl_dataset.py:338``.
    """

    def read(wrapped: Any, dataset: Any, args: Any, kwargs: Any) -> Any:
        try:
            return wrapped(*args, **kwargs)
        except Exception as error:
            row = kwargs["item"] if "item" in kwargs else args[0]
            files = ", ".join(map(str, dataset.original_data_files))
            raise UserError(
                f"{files}: row {row} cannot be read ({type(error).__name__}: {error}); "
                "`visual-rft data validate` names all such rows"
            ) from error

    wrapt.wrap_function_wrapper(rl_dataset, "RLHFDataset.__getitem__", read)
