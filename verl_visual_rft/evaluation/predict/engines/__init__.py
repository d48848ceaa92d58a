# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What answers questions: vLLM in this process, a server that speaks OpenAI's protocol, or responses of before."""
