# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""veRL's data sets, in which a row that cannot be read ends the run with its place: ``data.custom_cls``.

veRL's own end it with "cannot identify image file <_io.BytesIO object at 0x...>" of no file and no row
(verl 0.9.1 ``utils/dataset/rl_dataset.py:338``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from verl.utils.dataset.multiturn_sft_dataset import MultiTurnSFTDataset
from verl.utils.dataset.rl_dataset import RLHFDataset

from verl_visual_rft.errors import UserError


class VisualRFTDataset(RLHFDataset):
    """The rows of GRPO."""

    def __getitem__(self, item: int) -> Any:
        """Return a row.

        Raises:
            UserError: It cannot be read.
        """
        with _named(self.original_data_files, item):
            return super().__getitem__(item)


class VisualSFTDataset(MultiTurnSFTDataset):
    """The rows of SFT."""

    def __getitem__(self, item: int) -> Any:
        """Return a row.

        Raises:
            UserError: It cannot be read.
        """
        with _named(self.parquet_files, item):
            return super().__getitem__(item)


@contextmanager
def _named(files: Any, row: int) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise UserError(
            f"{', '.join(map(str, files))}: row {row} cannot be read ({type(error).__name__}: {error}); "
            "`visual-rft data validate` names all such rows"
        ) from error
