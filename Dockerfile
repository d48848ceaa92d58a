# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
#
# verl_visual_rft on veRL's published image for vLLM: CUDA 13.0.2, Python 3.12, torch 2.11.0, vLLM 0.24.0, flash-attn 2.8.3.
# Never built yet, nor run: what the image holds is read from what its users write of it. It has no veRL of its own.
#
#   docker build -t verl-visual-rft .
#   docker run --rm -it --gpus all --shm-size=16g -v "$PWD/outputs:/workspace/verl_visual_rft/outputs" verl-visual-rft
FROM verlai/verl:vllm024.dev2

WORKDIR /workspace/verl_visual_rft
COPY pyproject.toml README.md LICENSE ./
COPY verl_visual_rft verl_visual_rft
# Installs veRL and transformers at the versions of the extra; torch, vLLM and flash-attn of the image meet its pins.
RUN pip install --no-cache-dir ".[gpu,reference]"
COPY constraints constraints
COPY data_prep data_prep
COPY recipes recipes
COPY scripts scripts

CMD ["bash", "-c", "visual-rft doctor --device cuda; exec bash"]
