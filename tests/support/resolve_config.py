# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""In a process that has veRL and nothing that composed a configuration: see `forks`."""

import pickle
from pathlib import Path

from omegaconf import OmegaConf


def resolve(config: Path, resolved: Path) -> None:
    resolved.write_bytes(pickle.dumps(OmegaConf.to_container(pickle.loads(config.read_bytes()), resolve=True)))
