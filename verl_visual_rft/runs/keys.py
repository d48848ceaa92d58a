# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""By what a stage knows whether it was done: a hash of its command and of all that it builds on.

Folders of runs keep these hashes, and the lines that differences are named by: neither may change.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from verl_visual_rft.runs.words import bash_quote

#: Settings of a command that leave its result what it is: how it is watched, saved and shared among devices. Whether a
#: checkpoint can be read by as many ranks is checked where that matters (planning/inputs.py).
WITHOUT_EFFECT = re.compile(
    r"\+*((trainer\.(logger|project_name|experiment_name|save_freq|test_freq|val_before_train|log_val_generations"
    r"|max_actor_ckpt_to_keep|max_ckpt_to_keep|rollout_data_dir|validation_data_dir|nnodes|n_gpus_per_node)"
    r"|data\.val_(max_samples|batch_size)|visual_rft\.(samples.*|reward_timeout|poll_interval)|hydra\..*|ray_kwargs\..*"
    r"|cluster|.*micro_batch_size_per_gpu|.*max_token_len_per_gpu|.*use_dynamic_bsz|.*offload(_policy)?"
    r"|.*enable_gradient_checkpointing"
    r"|.*rollout\.(gpu_memory_utilization|max_num_seqs|max_num_batched_tokens|free_cache_engine|enforce_eager))="
    r"|--(nproc_per_node|workers)=)",
    re.DOTALL,
)
#: How long a training lasts: one that is to last longer goes on.
LENGTH = re.compile(r"trainer\.total_(epochs|training_steps)=|--steps=")


_INSTALLED = ("visual-rft", "data", "prepare")


def settings_of(command: Sequence[str], output: Path) -> list[str]:
    """Return the words of a command as keys and lines hold them.

    The run's folder may be moved, and is OUTPUT_DIR here: where the path begins a word, or a value within it, and goes
    on with "/" or ends, for others may begin as it does. A preparation of data is written as in a clone, also where it
    is the command of an installed package: both do the same.

    Example:
        >>> settings_of(("visual-rft", "data", "prepare", "coco", "--out", "/run/data"), Path("/run"))
        ['python', 'data_prep/coco.py', '--out', 'OUTPUT_DIR/data']
    """
    path = re.escape(str(output))
    place = re.compile(rf"\A{path}(?=/|\Z)|(?<=[\s='\"\[(,:]){path}(?=[\s/'\"\])}},]|\Z)")
    words = [place.sub("OUTPUT_DIR", word) for word in command]
    if tuple(words[:3]) == _INSTALLED and len(words) > 3:
        words[:4] = ["python", f"data_prep/{words[3]}.py"]
    return words


def stage_key(before: str, settings: Sequence[str]) -> str:
    """Return the hash of a stage whose result these settings, and the stage with the key ``before``, decide."""
    return _hash(before, [word for word in settings if not WITHOUT_EFFECT.match(word)])


def work_key(before: str, settings: Sequence[str]) -> str:
    """Return `stage_key` whatever the length of a training: that of work which may go on."""
    return _hash(before, [word for word in settings if not WITHOUT_EFFECT.match(word) and not LENGTH.match(word)])


def _hash(before: str, words: Sequence[str]) -> str:
    content = f"{before}\n" + "".join(f"{word}\0" for word in words)
    return hashlib.sha256(os.fsencode(content)).hexdigest()


def setting_lines(settings: Sequence[str]) -> list[str]:
    """Return settings as lines, quoted for bash: an option with its value is one.

    Example:
        >>> setting_lines(["prepare", "--rows", "6000", "--strict", "--seed", "0"])
        ['prepare', '--rows 6000', '--strict', '--seed 0']
    """
    lines: list[str] = []
    for word in settings:
        last = lines[-1] if lines else ""
        if last.startswith("--") and "=" not in last and " " not in last and not word.startswith("-"):
            lines[-1] += f" {bash_quote(word)}"
        else:
            lines.append(bash_quote(word))
    return lines


def changes(before: Sequence[str], now: Sequence[str]) -> str:
    """Say what differs between the `setting_lines` of two starts: "NEW instead of OLD", or nothing."""
    had, has = Counter(before), Counter(now)
    added, gone = (" ".join(sorted(lines.elements())) for lines in (has - had, had - has))
    return f"{added or 'nothing'} instead of {gone or 'nothing'}" if added or gone else ""
