# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""vLLM's server hands over a response once, when it is finished."""

from __future__ import annotations

from typing import Any


def last_output_only() -> dict[str, Any]:
    """Return the sampling parameters by which vLLM returns no output but the last, and token ids without their text.

    veRL 0.9.1 reads only the last output's token ids (``vllm_async_server.py:679``), and vLLM makes an output with the
    whole text so far for every token. Its trainers that interrupt generations wait for each request's first output:
    this is for the synchronous one.
    """
    from vllm.sampling_params import RequestOutputKind

    return {"output_kind": RequestOutputKind.FINAL_ONLY, "detokenize": False}
