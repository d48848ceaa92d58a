# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A SAM of a few thousand random weights, for smoke runs and tests.

``python -m verl_visual_rft.miniature.tiny_sam --out run/sam``
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import SamConfig, SamImageProcessor, SamModel, SamProcessor

_SIDE = 64  # pixels of the pictures that it sees
_VISION = {
    "hidden_size": 16, "output_channels": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": _SIDE,
    "patch_size": 8, "window_size": 4, "global_attn_indexes": [1], "mlp_dim": 32, "num_pos_feats": 4,
}  # fmt: skip
_PROMPT = {"hidden_size": 8, "image_size": _SIDE, "patch_size": 8, "mask_input_channels": 4}
_DECODER = {
    "hidden_size": 8, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "attention_downsample_rate": 2,
    "iou_head_hidden_dim": 8,
}  # fmt: skip


def build_tiny_sam(out: Path, seed: int = 0) -> None:
    """Write a random SAM with its processor to ``out``, in Hugging Face layout."""
    torch.manual_seed(seed)
    config = SamConfig(vision_config=_VISION, prompt_encoder_config=_PROMPT, mask_decoder_config=_DECODER)
    SamModel(config).save_pretrained(out)
    processor = SamImageProcessor(
        size={"longest_edge": _SIDE},
        pad_size={"height": _SIDE, "width": _SIDE},
        mask_size={"longest_edge": _SIDE // 2},
        mask_pad_size={"height": _SIDE // 2, "width": _SIDE // 2},
    )
    SamProcessor(processor).save_pretrained(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m verl_visual_rft.miniature.tiny_sam", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    build_tiny_sam(parser.parse_args().out)
