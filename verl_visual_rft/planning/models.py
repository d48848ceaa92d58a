# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The model of a run: its ``config.json``, its family, and the sizes that memory and time depend on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_json_object
from verl_visual_rft.planning.published import PUBLISHED

#: ``model_type`` of a config.json -> family, a key of `coordinates.FAMILIES`.
MODEL_TYPES: Mapping[str, str] = {"qwen2_vl": "qwen2-vl", "qwen2_5_vl": "qwen2.5-vl", "qwen3_vl": "qwen3-vl"}
_HUB_TIMEOUT = 10.0  # seconds
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")  # "./x" and "../x" are folders
_REMEDY = "give a folder of a Qwen2-VL, Qwen2.5-VL or Qwen3-VL model, or its name on the Hugging Face hub"


@dataclass(frozen=True)
class Decoder:
    """Sizes of the language model."""

    width: int  #: Hidden size.
    inner: int  #: Width of the gated feed-forward layer.
    layers: int  #: Decoder layers.
    heads: int  #: Query heads.
    kv_heads: int  #: Key and value heads.
    head_width: int  #: Width of a head.
    vocabulary: int  #: Rows of the embedding.
    longest: int  #: Positions that the model knows.
    tied: bool  #: Whether the output layer is the embedding.
    biased: bool  #: Whether queries, keys and values have a bias (Qwen2).
    normed_heads: bool  #: Whether queries and keys are normalised (Qwen3).


@dataclass(frozen=True)
class VisionTower:
    """Sizes of the vision tower."""

    width: int  #: Hidden size.
    inner: int  #: Width of the feed-forward layer.
    layers: int  #: Blocks.
    heads: int  #: Heads.
    patch: int  #: Side of a patch in pixels.
    frames: int  #: Frames of a patch; a picture is repeated.
    merge: int  #: Patches on a side of what becomes one visual token.
    mergers: int  #: Patch mergers: one, and one for each DeepStack level (Qwen3-VL).
    positions: int  #: Learnt positions (Qwen3-VL), else 0.
    gated: bool  #: Whether the feed-forward layer is gated (Qwen2.5-VL).


@dataclass(frozen=True)
class Model:
    """A Qwen-VL model by its sizes."""

    name: str
    family: str
    decoder: Decoder
    tower: VisionTower


def load_model(name: str) -> Model:
    """Read the sizes of a model from its ``config.json``.

    Args:
        name: A folder, or a name on the hub; the published models of `published.PUBLISHED` need no network.

    Raises:
        UserError: There is no such model, the hub does not answer, or it is no Qwen-VL.

    Example:
        >>> load_model("Qwen/Qwen2-VL-2B-Instruct").decoder.layers
        28
    """
    return parse_model(name, load_config(name))


def load_config(name: str) -> Mapping[str, Any]:
    """Return the content of a model's ``config.json``; see `load_model`."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _read_json(folder / "config.json")
    if name in PUBLISHED:
        return PUBLISHED[name]
    if not _HUB_NAME.fullmatch(name):
        raise UserError(f"model {name}: no such folder; {_REMEDY}")
    return _ask_hub(name)


def family_of(name: str, config: Mapping[str, Any]) -> str:
    """Return the family that a config.json's ``model_type`` says, a key of `coordinates.FAMILIES`.

    Raises:
        UserError: The model is no Qwen-VL.

    Example:
        >>> family_of("any/path", {"model_type": "qwen2_5_vl"})
        'qwen2.5-vl'
    """
    model_type = str(config.get("model_type"))
    if model_type not in MODEL_TYPES:
        raise UserError(f"model {name} is no Qwen-VL: its config.json has model_type {model_type!r}; {_REMEDY}")
    return MODEL_TYPES[model_type]


def parse_model(name: str, config: Mapping[str, Any]) -> Model:
    """Return the sizes that a config.json states, in the form of transformers 4 (flat) or 5 (``text_config``).

    Raises:
        UserError: It is no Qwen-VL, or a size is missing; the message names the key.
    """
    family = family_of(name, config)
    text, vision = config.get("text_config", config), config.get("vision_config", {})
    try:
        return Model(name, family, _decoder(text, config, family), _tower(vision, family))
    except KeyError as error:
        raise UserError(f"model {name}: its config.json has no {error}; take the model's own config.json") from error


def _decoder(text: Mapping[str, Any], config: Mapping[str, Any], family: str) -> Decoder:
    heads = text["num_attention_heads"]
    return Decoder(
        width=text["hidden_size"],
        inner=text["intermediate_size"],
        layers=text["num_hidden_layers"],
        heads=heads,
        kv_heads=text["num_key_value_heads"],
        head_width=text.get("head_dim") or text["hidden_size"] // heads,
        vocabulary=text["vocab_size"],
        longest=text["max_position_embeddings"],
        tied=bool(config.get("tie_word_embeddings", text.get("tie_word_embeddings", False))),
        biased=family != "qwen3-vl",
        normed_heads=family == "qwen3-vl",
    )


def _tower(vision: Mapping[str, Any], family: str) -> VisionTower:
    # Qwen2-VL calls the width embed_dim, and hidden_size what the others call out_hidden_size. Sizes that published
    # files leave out are the defaults of transformers' configuration classes.
    width = vision["embed_dim"] if family == "qwen2-vl" else vision["hidden_size"]
    inner = int(width * vision.get("mlp_ratio", 4)) if family == "qwen2-vl" else vision["intermediate_size"]
    return VisionTower(
        width=width,
        inner=inner,
        layers=vision["depth"],
        heads=vision["num_heads"],
        patch=vision["patch_size"],
        frames=vision.get("temporal_patch_size", 2),
        merge=vision.get("spatial_merge_size", 2),
        mergers=1 + len(vision.get("deepstack_visual_indexes", ())),
        positions=vision["num_position_embeddings"] if family == "qwen3-vl" else 0,
        gated=family == "qwen2.5-vl",
    )


def _read_json(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        raise UserError(f"{path.parent} holds no model: it has no config.json; {_REMEDY}")
    return read_json_object(path, "download the model again")


def _ask_hub(name: str) -> Mapping[str, Any]:
    """Take config.json from the hub's cache, or ask the hub once; transformers itself would import torch."""
    try:
        import httpx
        from huggingface_hub import hf_hub_url, try_to_load_from_cache
        from huggingface_hub.utils import build_hf_headers, get_session  # type: ignore[attr-defined]
    except ImportError as error:
        raise UserError(f"model {name} is no folder, and huggingface_hub is not installed to ask the hub") from error
    cached = try_to_load_from_cache(name, "config.json")
    if isinstance(cached, str):
        return _read_json(Path(cached))
    try:  # hf_hub_download would try again for half a minute
        answer = get_session().get(hf_hub_url(name, "config.json"), headers=build_hf_headers(), timeout=_HUB_TIMEOUT)
        answer.raise_for_status()
        content: Mapping[str, Any] = answer.json()
    except (OSError, ValueError, httpx.HTTPError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(
            f"model {name} is no folder, and the hub gives no config.json of that name ({reason}); "
            "check the name and the network, or download the model and give its folder"
        ) from error
    return content
