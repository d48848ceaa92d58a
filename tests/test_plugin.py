# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The plug-in as veRL and vLLM load it: in fresh processes, through the installed entry points."""

import json
import os
import subprocess
import sys
from pathlib import Path

import forks
import pytest
import upstream_symbols

from verl_visual_rft.training.run_mark import PLUGIN_MARK

pytest.importorskip("verl")
pytestmark = pytest.mark.slow

SYMBOLS = Path(__file__).parent / "support" / "upstream_symbols.py"
CONFIGURATION = ["--config-path", "pkg://verl_visual_rft.training.config"]
#: What veRL and vLLM need to run on a CPU at all (`verl_visual_rft.training.cpu`).
CPU = {
    "importlib.metadata.version",
    "verl.plugin.platform.platform_manager.PlatformRegistry._platforms",
    "verl.utils.distributed.initialize_global_process_group",
    "verl.utils.distributed.initialize_global_process_group_ray",
    "verl.workers.engine.fsdp.transformer_impl.CPUOffloadPolicy",
    "verl.workers.engine_workers.initialize_global_process_group_ray",
    "vllm.model_executor.layers.utils.dispatch_cpu_unquantized_gemm",
}
#: Some of what a training of ours has besides: of each kind one.
OURS = {
    "torch.nn.functional.linear",
    "verl.trainer.ppo.core_algos.ADV_ESTIMATOR_REGISTRY",
    "verl.trainer.ppo.v1.trainer_base.TRAINER_REGISTRY",
    "verl.utils.checkpoint.checkpoint_handler.CheckpointHandler.save_checkpoint",
    "verl.utils.torch_functional.logprobs_from_logits_v2",
    "verl.workers.engine.base.EngineRegistry._engines",
    "verl.workers.engine_workers.maybe_fix_3d_position_ids",  # taken from where it is replaced
    "verl.workers.rollout.vllm_rollout.vllm_rollout.ServerAdapter.__init__",
    "vllm.multimodal.hasher.MultiModalHasher.serialize_item",
    "vllm.multimodal.processing.context.InputProcessingContext.call_hf_processor",
}


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh process that knows of no training but by what it is given."""
    clean = {name: value for name, value in os.environ.items() if name not in (PLUGIN_MARK, "VERL_PLATFORM")}
    return subprocess.run(
        [sys.executable, *arguments], env=clean | environment, capture_output=True, text=True, timeout=240
    )


def run(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return python("-c", code, *arguments, **environment)


def symbols_of_ours(*arguments: str, **environment: str) -> set[str]:
    done = python(str(SYMBOLS), *arguments, **environment)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.long  # tests/e2e/test_inert.py sees it in an SFT of veRL and in a vLLM that run
def test_a_process_of_another_run_has_nothing_of_ours():
    """Whatever veRL or vLLM it runs: an SFT, a reward model, `vllm serve`, TRL's trainer with vLLM."""
    pytest.importorskip("vllm")
    assert symbols_of_ours() == set()


@pytest.mark.long  # between the other two: nothing, and all
def test_where_the_cpu_is_asked_for_it_has_what_a_cpu_needs():
    pytest.importorskip("vllm")
    assert symbols_of_ours(VERL_PLATFORM="cpu") == CPU


def test_a_process_of_a_training_of_ours_has_all():
    """The server of `forks` is one: it imported veRL with the mark and the platform in its environment."""
    pytest.importorskip("vllm")
    (done,) = forks.run_ranks(1, upstream_symbols.print_all)
    assert done.status == 0, done.output
    assert set(json.loads(done.output.splitlines()[-1])) >= CPU | OURS


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {}, False),
        (CONFIGURATION, {}, True),
        (["--config-path=pkg://verl_visual_rft.training.config", "--config-name=visual_sft"], {}, True),
        (["-cp", "pkg://verl_visual_rft.training.config"], {}, True),
        ([], {PLUGIN_MARK: "1"}, True),
        ([], {PLUGIN_MARK: "0"}, False),
        (["data.train_files=/home/verl_visual_rft/train.parquet", "--config-path=/verl_visual_rft"], {}, False),
        (["hydra.searchpath=[pkg://verl_visual_rft.training.config]", "+device=cpu"], {}, False),
        ([], {"VISUAL_RFT_RUN": "/run"}, False),  # a launcher can start other commands, too
    ],
)
def test_a_command_is_known_by_its_configuration_and_marks_its_environment(arguments, environment, expected):
    code = (
        "from verl_visual_rft import plugin; import os, subprocess, sys;"
        "child = 'from verl_visual_rft import plugin; print(bool(plugin.REGISTERED))';"
        "said = subprocess.run([sys.executable, '-c', child], capture_output=True, text=True, check=True).stdout;"
        "print(bool(plugin.REGISTERED), said.strip())"
    )
    done = run(code, *arguments, VERL_PLATFORM="nvidia", **environment)
    assert done.stdout.split() == [str(expected)] * 2, done.stderr


def test_vllms_entry_point_costs_another_program_nothing():
    """TRL and others that have vLLM load it: neither it nor torch is imported, and nothing of ours is run."""
    code = (
        "import sys; from importlib.metadata import entry_points;"
        "(plugin,) = entry_points(group='vllm.general_plugins', name='visual_rft'); plugin.load()();"
        "print(sorted({'torch', 'vllm', 'verl', 'ray', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    assert run(code).stdout.strip() == "[]"


@pytest.mark.long  # a change of speed; the next test is of what programs of others import
def test_loading_imports_nothing_heavy_beyond_verl_itself():
    code = (
        "import os, sys; os.environ['VERL_USE_EXTERNAL_PLUGINS'] = 'none'; import verl;"
        "before = set(sys.modules); import verl_visual_rft.plugin;"
        "new = {m.split('.')[0] for m in set(sys.modules) - before};"
        "print(sorted(new & {'vllm', 'ray', 'transformers', 'transfer_queue'}))"
    )
    done = run(code, VERL_PLATFORM="cpu", **{PLUGIN_MARK: "1"})
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


# A piece of ours that cannot be imported, in a process that needs it: of veRL, of vLLM.
BROKEN = {
    "veRL": "import sys; sys.modules['verl_visual_rft.training.cpu.fixes'] = None; import verl.utils.distributed",
    "vLLM": (
        "import sys; sys.modules['verl_visual_rft.training.cpu.fixes'] = None;"
        "from verl_visual_rft import plugin; plugin.register_with_vllm()"
    ),
}
ONE_OF_THEM = ["vLLM", pytest.param("veRL", marks=pytest.mark.long)]  # by one function


@pytest.mark.parametrize("upstream", ONE_OF_THEM)
def test_a_piece_that_fails_ends_a_process_of_ours_with_the_error(upstream):
    done = run(BROKEN[upstream] + "; print('went on')", VERL_PLATFORM="cpu", **{PLUGIN_MARK: "1"})
    assert done.returncode != 0 and "went on" not in done.stdout
    assert "import of verl_visual_rft.training.cpu.fixes halted" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("verl_visual_rft: registering its extensions failed")


@pytest.mark.parametrize("upstream", ONE_OF_THEM)
def test_a_piece_that_fails_ends_no_other_process(upstream):
    done = run(BROKEN[upstream] + "; print('went on')", VERL_PLATFORM="cpu")
    assert done.returncode == 0 and done.stdout.strip().endswith("went on"), done.stderr
    assert "import of verl_visual_rft.training.cpu.fixes halted" in done.stderr


def test_a_hook_that_fails_is_named():
    code = (
        "import verl_visual_rft.plugin as plugin, types;"
        "apply = plugin._applying(plugin.Extension('x', 'verl_visual_rft.no_such_room:f', plugin.is_ours));"
        "apply(types.ModuleType('x')); print('went on')"
    )
    ours, another = run(code, **{PLUGIN_MARK: "1"}), run(code)
    assert ours.returncode != 0 and "went on" not in ours.stdout
    assert another.returncode == 0 and "went on" in another.stdout
    assert all("could not register verl_visual_rft.no_such_room:f" in done.stderr for done in (ours, another))
