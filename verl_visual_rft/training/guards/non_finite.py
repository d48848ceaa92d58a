# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""No optimizer step on a loss or a gradient that is not finite.

veRL 0.9.1 leaves the step of a gradient that is not finite out, with a line in the log, and goes on
(``workers/engine/fsdp/transformer_impl.py:823``). Once weights are NaN every step is left out, for days.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.training.guards.rows import StoppedRows, run_folder
from verl_visual_rft.training.rollouts.responses import columns_of


class NonFiniteError(UserError):
    """An update's loss or gradient is NaN or infinite; no weight has been changed by it.

    Attributes:
        rows: Token ids, prompt and response, of the rows that it comes from, or that it may come from.
    """

    def __init__(self, what: str, rows: Sequence[Sequence[int]]) -> None:
        super().__init__(what, rows)
        self.rows = rows

    def __str__(self) -> str:
        """Say what is not finite."""
        return str(self.args[0])


class GuardedUpdates:
    """A mixin for an engine of veRL: an update on what is not finite raises, on all ranks together."""

    def forward_backward_batch(self, data: Any, loss_function: Any, forward_only: bool = False) -> Any:
        """Compute a batch; those of an update are remembered until its optimizer step."""
        self._micro_batches: list[tuple[Any, float]] = []
        self._culprits: list[list[int]] = []
        self._loss_function = loss_function
        return super().forward_backward_batch(data, loss_function, forward_only)  # type: ignore[misc]

    def forward_step(self, micro_batch: Any, loss_function: Any, forward_only: bool) -> tuple[Any, dict[str, Any]]:
        """Compute a micro-batch."""
        loss, output = super().forward_step(micro_batch, loss_function, forward_only)  # type: ignore[misc]
        if not forward_only:
            self._micro_batches.append((micro_batch, output["loss"]))
            if not math.isfinite(output["loss"]):
                self._culprits += rows_not_finite(micro_batch, output.get("model_output", {}))
        return loss, output

    def optimizer_step(self) -> float:
        """Step, if loss and gradient are finite.

        Raises:
            NonFiniteError: They are not.
        """
        wrong = [loss for _, loss in self._micro_batches if not math.isfinite(loss)]
        if _on_any_rank(bool(wrong)):
            self._stop(f"the loss is {wrong[0] if wrong else 'not finite'}", self._culprits)
        norm: float = super().optimizer_step()  # type: ignore[misc]  # clips; leaves the weights alone if not finite
        # With a scaler of float16 such gradients are in the order of things: it lowers the scale.
        if not math.isfinite(norm) and getattr(self, "scaler", None) is None:
            self._stop(f"the gradient norm is {norm}", self._rows_of_gradient())
        self._micro_batches = []
        return norm

    def _rows_of_gradient(self) -> list[list[int]]:
        """Compute the gradient of each micro-batch anew, alone; return the rows of those that make it not finite.

        It is the sum of all ranks': the micro-batches of the same number are named on all of them.
        """
        engine: Any = self
        rows = []
        for micro_batch, _ in list(self._micro_batches):
            engine.optimizer.zero_grad()
            loss, _ = super().forward_step(micro_batch, self._loss_function, False)  # type: ignore[misc]
            loss.backward()
            if _on_any_rank(any(not _finite(parameter.grad) for parameter in engine.module.parameters())):
                rows += _tokens(micro_batch)
        return rows

    def _stop(self, what: str, rows: list[list[int]]) -> None:
        import torch.distributed

        if not _on_any_rank(bool(rows)):  # found nowhere: any may be the one
            rows = [row for micro_batch, _ in self._micro_batches for row in _tokens(micro_batch)]
        of_ranks: list[Any] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(of_ranks, rows)
        rows = [row for of_rank in of_ranks for row in of_rank]
        if "advantages" not in self._micro_batches[0][0].keys():
            what = f"{what}; the rows: {self._save_examples(what, rows)}"
        raise NonFiniteError(what, rows)

    def _save_examples(self, what: str, rows: list[list[int]]) -> Path:
        """Save examples of supervised training, whose trainer knows no more of them than their tokens."""
        engine: Any = self
        saved = StoppedRows(run_folder("."), engine.model_config.tokenizer)
        step = engine.lr_scheduler.last_epoch + 1
        return saved.write(what, step, [{"text": saved.text(row)} for row in rows])


def rows_not_finite(micro_batch: Any, model_output: Any) -> list[list[int]]:
    """Return the token ids of the rows of a micro-batch that have a value that is not finite, of all if none has."""
    import torch

    tokens = _tokens(micro_batch)
    values = [
        *(model_output[name] for name in ("log_probs", "entropy") if name in model_output),
        *(micro_batch[name] for name in ("advantages", "old_log_probs", "ref_log_prob") if name in micro_batch.keys()),
    ]
    found = {
        row
        for value in values
        for row, of_row in enumerate(value.unbind())
        if len(value) == len(tokens) and not bool(torch.isfinite(of_row).all())
    }
    return [tokens[row] for row in sorted(found)] or tokens


@contextmanager
def rows_saved(saved: StoppedRows, step: int, batch: Any) -> Iterator[None]:
    """Save the rows of a batch of the transfer queue whose update was not finite.

    Raises:
        UserError: It was not; the message names the file.
    """
    try:
        yield
    except NonFiniteError as error:
        wanted = {tuple(row) for row in error.rows}
        (tokens,) = columns_of(batch.keys, batch.partition_id, "input_ids")
        keys = [key for key, row in zip(batch.keys, tokens, strict=True) if tuple(row.tolist()) in wanted]
        # Of a worker's error Ray makes one that is also its own, whose text is the worker's traceback.
        what = str(getattr(error, "cause", error))
        path = saved.save(what, step, keys, batch.partition_id)
        raise UserError(f"step {step}: {what}, no weight was changed by it; the {len(keys)} rows: {path}") from error


def _tokens(micro_batch: Any) -> list[list[int]]:
    return [row.tolist() for row in micro_batch["input_ids"].unbind()]


def _finite(gradient: Any) -> bool:
    import torch

    if gradient is None:
        return True
    local = gradient.to_local() if hasattr(gradient, "to_local") else gradient
    return bool(torch.isfinite(local).all())


def _on_any_rank(here: bool) -> bool:
    """Whether it is so on any rank, asked on all at once: one that stops alone leaves the others waiting for it."""
    import torch
    from verl.utils.device import get_device_id

    if torch.distributed.get_world_size() == 1:
        return here
    flag = torch.tensor(int(here), device=get_device_id())
    torch.distributed.all_reduce(flag, torch.distributed.ReduceOp.MAX)
    return bool(flag.item())
