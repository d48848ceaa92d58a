# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The vision tower sees each picture of a micro-batch once.

veRL 0.9.1 gives it the picture of every row (``workers/engine/fsdp/transformer_impl.py:1168``), the same one for all
rollouts of a prompt. Here it gets the distinct pictures; its features are repeated for the rows, and their gradients
add up on the way back: the same loss and the same gradient, up to the order of additions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from verl_visual_rft.training.engine.batches import GROUP, PICTURES_OF_UPDATE, whole_rows
from verl_visual_rft.training.rollouts.pictures.storage import PICTURES, Fetched

#: Of this process: actor and reference read the same pictures.
_fetched = Fetched()


class PicturesOnce:
    """A mixin for veRL's FSDP engine, for rows that name their pictures; with others it does nothing."""

    _repeats: Any = None  # index of the features that the next call of the tower has to return
    _hooked = False
    _passes = 0  # of pictures through the tower

    def train_batch(self, data: Any, loss_function: Callable[..., Any]) -> Any:
        """Update on a batch; its metrics say how often each of its pictures passed the tower, on all ranks."""
        before, n_pictures = self._passes, _told(data, PICTURES_OF_UPDATE)
        output = super().train_batch(data, loss_function)  # type: ignore[misc]
        if n_pictures:
            engine: Any = self
            passes = (self._passes - before) * engine.get_data_parallel_size()  # veRL takes the mean over ranks
            output["metrics"]["tower_passes_per_picture"] = [passes / n_pictures]
        return output

    def forward_backward_batch(self, data: Any, loss_function: Any, forward_only: bool = False) -> Any:
        """Compute a batch in micro-batches; dynamic ones do not tear the responses to a prompt apart."""
        group = _told(data, GROUP)
        if group and _told(data, "use_dynamic_bsz"):  # else veRL would multiply the micro-batch by it
            self._keep_together(data, group)
        return super().forward_backward_batch(data, loss_function, forward_only)  # type: ignore[misc]

    def _keep_together(self, data: Any, group: int) -> None:
        """Say how many rows, one after the other, stay in one dynamic batch (``workers/engine/utils.py:106``)."""
        import torch
        from verl.utils import tensordict_utils
        from verl.utils.device import get_device_id

        engine: Any = self
        most_tokens = data["max_token_len_per_gpu"] * engine.ulysses_sequence_parallel_size
        size = torch.tensor(whole_rows(data["input_ids"].offsets().diff().tolist(), group, most_tokens))
        size = size.to(get_device_id())
        torch.distributed.all_reduce(size, torch.distributed.ReduceOp.MIN, group=engine.get_data_parallel_group())
        tensordict_utils.assign_non_tensor(data, force_group_size=size.item())

    def prepare_model_inputs(self, micro_batch: Any) -> tuple[dict[str, Any], Any]:
        """Return the inputs of the model, each picture once, and what the outputs are computed with."""
        rows = [getattr(row, "data", row) or {} for row in micro_batch.get("multi_modal_inputs", [])]
        names = [name for row in rows for name in row.get(PICTURES, ())]
        if not names:
            prepared: tuple[dict[str, Any], Any] = super().prepare_model_inputs(micro_batch)  # type: ignore[misc]
            return prepared
        import torch

        inputs, output_args = super().prepare_model_inputs(_without_names(micro_batch, rows))  # type: ignore[misc]
        pixels = _fetched.pixel_values(names)
        grids = inputs["image_grid_thw"]
        first = [names.index(name) for name in pixels]
        inputs["pixel_values"] = torch.cat(list(pixels.values()))
        inputs["image_grid_thw"] = grids[first]
        self._passes += len(pixels)
        if len(pixels) < len(names):
            order = list(pixels)
            self._hook_tower()
            self._repeats = repeats([order.index(name) for name in names], self._features(grids[first]))
        return inputs, output_args

    def _features(self, grids: Any) -> list[int]:
        merge = self.module.config.vision_config.spatial_merge_size  # type: ignore[attr-defined]
        sizes: list[int] = (grids.prod(-1) // merge**2).tolist()
        return sizes

    def _hook_tower(self) -> None:
        if self._hooked:
            return
        (tower,) = [
            part
            for name, part in self.module.named_modules()  # type: ignore[attr-defined]
            if name.rpartition(".")[2] == "visual"
        ]
        tower.register_forward_hook(self._repeat_features)
        self._hooked = True

    def _repeat_features(self, tower: Any, inputs: Any, output: Any) -> Any:
        index, self._repeats = self._repeats, None
        if index is None:
            return output
        features = getattr(output, "pooler_output", None)
        if features is None:
            raise TypeError(f"the vision tower {type(tower).__name__} returns no pooler_output: transformers >= 5 does")
        index = index.to(features.device)
        output.pooler_output = features.index_select(0, index)
        if getattr(output, "deepstack_features", None):
            output.deepstack_features = [deep.index_select(0, index) for deep in output.deepstack_features]
        return output


def _told(data: Any, key: str) -> Any:
    from verl.utils import tensordict_utils

    return tensordict_utils.get_non_tensor_data(data=data, key=key, default=None)


def repeats(pictures: Sequence[int], sizes: Sequence[int]) -> Any:
    """Return where the features of each row come from, for features of distinct pictures one after the other.

    Args:
        pictures: Number of the picture, row by row.
        sizes: Number of features of each distinct picture.

    Example:
        >>> repeats([1, 0, 1], [2, 1]).tolist()
        [2, 0, 1, 2]
    """
    import torch

    spans = torch.arange(sum(sizes)).split(list(sizes))
    return torch.cat([spans[picture] for picture in pictures])


def _without_names(micro_batch: Any, rows: list[dict[str, Any]]) -> Any:
    from tensordict import NonTensorData, NonTensorStack

    tensors = [{key: value for key, value in row.items() if key != PICTURES} for row in rows]
    micro_batch = micro_batch.copy()
    micro_batch["multi_modal_inputs"] = NonTensorStack(*(NonTensorData(row) for row in tensors))
    return micro_batch
