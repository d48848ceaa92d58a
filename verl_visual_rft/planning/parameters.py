# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How many parameters a model has, by part, and how many of them train."""

from __future__ import annotations

from dataclasses import dataclass

from verl_visual_rft.planning.models import Decoder, Model, VisionTower


@dataclass(frozen=True)
class Parameters:
    """Numbers of parameters."""

    embedding: int  #: Input embedding; it is also the output layer of a tied model.
    head: int  #: Output layer of an untied model, else 0.
    decoder_layer: int  #: One layer of the language model.
    decoder: int  #: All layers and the last norm.
    tower_block: int  #: One block of the vision tower.
    tower: int  #: The vision tower with its mergers.

    @property
    def language(self) -> int:
        """All of the language model."""
        return self.embedding + self.head + self.decoder

    @property
    def total(self) -> int:
        """All of the model."""
        return self.language + self.tower


def count_parameters(model: Model) -> Parameters:
    """Count the parameters of a model, as transformers builds it.

    Example:
        >>> from verl_visual_rft.planning.models import load_model
        >>> count_parameters(load_model("Qwen/Qwen2-VL-2B-Instruct")).total
        2208985600
    """
    decoder, tower = model.decoder, model.tower
    embedding = decoder.vocabulary * decoder.width
    layer, block = _decoder_layer(decoder), _tower_block(tower, model.family)
    return Parameters(
        embedding=embedding,
        head=0 if decoder.tied else embedding,
        decoder_layer=layer,
        decoder=decoder.layers * layer + decoder.width,
        tower_block=block,
        tower=tower.layers * block + _tower_rest(tower, decoder.width, model.family),
    )


def lora_parameters(model: Model, rank: int, tower: bool = True) -> int:
    """Count the parameters of LoRA adapters of a rank on every linear layer of the language model, and of the tower.

    An adapter of a layer from a to b features has ``rank (a + b)`` (Hu et al., 2021, section 4.1); veRL's
    ``target_modules: all-linear`` takes all but the output layer.
    """
    decoder = model.decoder
    queries, keys = decoder.heads * decoder.head_width, decoder.kv_heads * decoder.head_width
    layer = 2 * (decoder.width + queries) + 2 * (decoder.width + keys) + 3 * (decoder.width + decoder.inner)
    return rank * (decoder.layers * layer + (_tower_features(model.tower, decoder.width) if tower else 0))


def _tower_features(tower: VisionTower, out: int) -> int:
    """Features in and out of every linear layer of the tower, summed."""
    merged = tower.width * tower.merge**2
    block = 4 * tower.width + 2 * tower.width + (3 if tower.gated else 2) * (tower.width + tower.inner)
    return tower.layers * block + tower.mergers * (3 * merged + out)


def _decoder_layer(decoder: Decoder) -> int:
    queries, keys = decoder.heads * decoder.head_width, decoder.kv_heads * decoder.head_width
    attention = 2 * decoder.width * queries + 2 * decoder.width * keys
    biases = queries + 2 * keys if decoder.biased else 0
    head_norms = 2 * decoder.head_width if decoder.normed_heads else 0
    return attention + biases + head_norms + 3 * decoder.width * decoder.inner + 2 * decoder.width


def _tower_block(tower: VisionTower, family: str) -> int:
    width, inner = tower.width, tower.inner
    attention = 4 * width * width + 4 * width
    feed_forward = 3 * width * inner + 2 * inner + width if tower.gated else 2 * width * inner + inner + width
    return attention + feed_forward + 2 * _norm(width, family)


def _tower_rest(tower: VisionTower, out: int, family: str) -> int:
    """Patch embedding, learnt positions and mergers."""
    width, merged = tower.width, tower.width * tower.merge**2
    patches = 3 * tower.frames * tower.patch**2 * width + (width if family == "qwen3-vl" else 0)
    linear = merged * merged + merged + merged * out + out
    # DeepStack's mergers normalise after merging, the last one before.
    norms = _norm(width, family) + (tower.mergers - 1) * _norm(merged, family)
    return patches + tower.positions * width + tower.mergers * linear + norms


def _norm(width: int, family: str) -> int:
    """LayerNorm has a bias, RMSNorm (Qwen2.5-VL) has none."""
    return width if family == "qwen2.5-vl" else 2 * width
