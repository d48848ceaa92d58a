# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`hydra.compose`, which takes 0.5 s for a configuration of ours each time, at 0.05 s where only values differ.

What Hydra composes by itself, as for a command, takes 0.3 s: each YAML file is parsed once.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Sequence
from typing import Any

import hydra
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

compose_anew = hydra.compose
load_anew = OmegaConf.load
_composed: dict[tuple[Any, ...], Any] = {}
_loaded: dict[str, Any] = {}


def compose(config_name: str, overrides: Sequence[str] = ()) -> Any:
    """Compose as Hydra does: choices of groups first, once for each of them, then values, in a copy."""
    values = [override for override in overrides if _sets_a_value(override)]
    groups = tuple(override for override in overrides if not _sets_a_value(override))
    path = GlobalHydra.instance().config_loader().get_search_path().get_path()
    key = (config_name, groups, *((entry.provider, entry.path) for entry in path))
    if key not in _composed:
        _composed[key] = compose_anew(config_name, list(groups))
    config = copy.deepcopy(_composed[key])
    ConfigLoaderImpl._apply_overrides_to_config(OverridesParser.create().parse_overrides(values), config)
    return config


def _sets_a_value(override: str) -> bool:
    """Whether it can be nothing else; what may choose a group or add a key is left to Hydra."""
    key = override.partition("=")[0]
    return "." in key and key[0] not in "+~" and not {"@", "/"} & set(key) and not key.startswith("hydra.")


def load(file: Any) -> Any:
    """Load YAML as `OmegaConf.load` does, an open file by its text."""
    if not hasattr(file, "read"):
        return load_anew(file)
    text = file.read()
    if text not in _loaded:
        _loaded[text] = load_anew(io.StringIO(text))
    return copy.deepcopy(_loaded[text])
