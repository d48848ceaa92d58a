# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""veRL on a machine without accelerator: the platform, and what veRL and vLLM assume that a CPU cannot give."""
