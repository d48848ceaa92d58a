# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The plug-in as veRL and vLLM load it: in fresh processes, through the installed entry points."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("verl")
pytestmark = pytest.mark.slow


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, timeout=240
    )


def test_import_verl_registers_the_trainer_and_the_cpu_platform_where_it_is_asked_for():
    code = (
        "from verl.plugin.platform import get_platform; from verl.trainer.ppo.v1 import get_trainer_cls;"
        "print(type(get_platform()).__name__, get_trainer_cls('visual_rft').__name__)"
    )
    done = run(code, VERL_PLATFORM="cpu")
    assert done.stdout.strip().endswith("PlatformCPU VisualRFTTrainer"), done.stderr


def test_nothing_of_the_cpu_platform_is_active_elsewhere():
    code = (
        "import verl, sys; from verl.plugin.platform.platform_manager import PlatformRegistry;"
        "import importlib.metadata as m; import verl.utils.distributed as d;"
        "print(PlatformRegistry.get('cpu'), m.version.__module__, d.initialize_global_process_group.__module__)"
    )
    done = run(code, VERL_PLATFORM="nvidia")
    assert done.stdout.split() == ["None", "importlib.metadata", "verl.utils.distributed"], done.stderr


def test_loading_imports_nothing_heavy_beyond_verl_itself():
    code = (
        "import os, sys; os.environ['VERL_USE_EXTERNAL_PLUGINS'] = 'none'; import verl;"
        "before = set(sys.modules); import verl_visual_rft.plugin;"
        "new = {m.split('.')[0] for m in set(sys.modules) - before};"
        "heavy = sorted(new & {'vllm', 'ray', 'transformers', 'transfer_queue'});"
        "print(heavy)"
    )
    done = run(code, VERL_PLATFORM="cpu")
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_a_registration_that_fails_is_printed_and_ends_the_process():
    code = (
        "import verl_visual_rft.plugin as plugin, sys, types;"
        "plugin.EXTENSIONS = ();"
        "apply = plugin._applying(plugin.Extension('x', 'verl_visual_rft.no_such_room:f', lambda: True));"
        "apply(types.ModuleType('x')); print('trained anyway')"
    )
    done = run(code)
    assert done.returncode != 0
    assert "trained anyway" not in done.stdout
    assert "verl_visual_rft.no_such_room" in done.stderr


def test_vllm_loads_the_plug_in_and_keeps_linear_weights():
    pytest.importorskip("vllm")
    code = (
        "from vllm.plugins import load_general_plugins; load_general_plugins();"
        "from vllm.model_executor.layers import utils; print(utils.dispatch_cpu_unquantized_gemm.__module__)"
    )
    done = run(code, VERL_PLATFORM="cpu")
    assert done.stdout.strip().endswith("verl_visual_rft.training.cpu.fixes"), done.stderr
