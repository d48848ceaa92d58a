# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a GPU runs gives what plain veRL gives on a CPU: packed sequences, dynamic batches, pictures once, Ulysses.

The configuration is that of a GPU, flash-attention is `packed_attention`. ``-s`` prints the differences.
"""

import math
from functools import partial

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

import packed_steps  # noqa: E402
from packed_steps import FIXED, FLOAT32  # noqa: E402

from verl_visual_rft.miniature.conventions import PHASES, write_corpus  # noqa: E402
from verl_visual_rft.miniature.pretraining import TINY_MODEL  # noqa: E402

pytestmark = pytest.mark.slow
FAMILIES = ["qwen2-vl", "qwen2.5-vl", "qwen3-vl"]
FIGURES = ("loss", "kl_loss", "grad_norm", "actor/pg_loss")
#: Of every change: in other tests.
NOT_LONG = {("qwen2-vl", "dynamic", 1)}
CASES = [
    pytest.param(*case, marks=() if case in NOT_LONG else pytest.mark.long, id="-".join(map(str, case)))
    for family in FAMILIES
    for case in [(family, batches, ranks) for batches in ("fixed", "dynamic") for ranks in (1, 2)]
]


class Steps:
    """Steps of a family, each kind of them taken once."""

    def __init__(self, folder, family, length=None):
        packed_steps.make_models(folder, family)
        self.folder, self.rows = folder, packed_steps.make_rows(folder / "policy", length)
        self.taken = {}

    @property
    def padded(self):
        return self._once("padded", packed_steps.padded)

    def packed(self, *overrides, ranks=1, **environment):
        take = partial(packed_steps.packed, overrides=overrides, ranks=ranks, **environment)
        return self._once((overrides, ranks, *environment), take)

    def _once(self, kind, take):
        if kind not in self.taken:
            self.taken[kind] = take(self.folder, self.rows)
        return self.taken[kind]


@pytest.fixture(scope="module")
def steps_of(tmp_path_factory):
    made = {}

    def steps(family):
        if family not in made:
            made[family] = Steps(tmp_path_factory.mktemp(family), family)
        return made[family]

    return steps


def figure(step, name):
    (value,) = step["metrics"][name]
    return value


def assert_same(found, wanted):
    differences = {
        name: max(abs(figure(a, name) - figure(b, name)) for a, b in zip(found["steps"], wanted["steps"], strict=True))
        for name in FIGURES
    }
    weights = [(found["weights"][name] - weight).abs().max().item() for name, weight in wanted["weights"].items()]
    print({**{name: f"{value:.0e}" for name, value in differences.items()}, "weights": f"{max(weights):.0e}"})
    assert figure(wanted["steps"][1], "kl_loss") > 1.5 * figure(wanted["steps"][0], "kl_loss")  # the weights have moved
    for name, difference in differences.items():
        assert difference < 1e-5, name
    assert max(weights) < 1e-6


@pytest.mark.parametrize(("family", "batches", "ranks"), CASES)
def test_two_packed_steps_are_two_padded_ones(family, batches, ranks, steps_of):
    steps = steps_of(family)
    found = steps.packed(*FLOAT32, *[FIXED] * (batches == "fixed"), ranks=ranks)
    assert_same(found, steps.padded)


@pytest.mark.long
def test_so_are_those_with_log_probs_in_blocks(steps_of):
    """On a GPU without flash-attention's own kernel for them."""
    steps = steps_of("qwen2-vl")
    assert_same(steps.packed(*FLOAT32, VERL_DISABLE_FLASH_ATTN_CE="1"), steps.padded)


@pytest.mark.long
def test_so_are_those_of_sequences_of_one_length(tmp_path):
    """Fails without `fixes.rebuild_equal_length_mrope`."""
    steps = Steps(tmp_path, "qwen2-vl", length=64)
    assert_same(steps.packed(*FLOAT32), steps.padded)


@pytest.mark.parametrize("kind", [[FIXED], []], ids=["fixed", "dynamic"])
def test_the_tower_sees_each_picture_once(kind, steps_of):
    """A micro-batch without any picture gives it an empty one, so that it stays in the graph."""
    for step in steps_of("qwen2-vl").packed(*FLOAT32, *kind)["steps"]:
        assert figure(step, "tower_passes_per_picture") == 1


def test_what_an_update_reports_hangs_not_on_its_micro_batches(steps_of):
    """Dynamic ones have another order of rows: what is compared with vLLM's probabilities must be put back into it."""
    steps = steps_of("qwen2-vl")
    fixed, dynamic = (steps.packed(*FLOAT32, *kind)["steps"][0]["metrics"] for kind in ([FIXED], []))
    for name in ("actor/entropy_loss", "training/rollout_probs_diff_mean", "rollout_corr/kl"):
        assert dynamic[name] == pytest.approx(fixed[name], rel=1e-4), name
        assert fixed[name] != [0.0]


@pytest.mark.long
@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_steps_in_bfloat16_are_finite_and_near(family, ranks, steps_of):
    """As the configuration of a GPU has it."""
    steps = steps_of(family)
    found = steps.packed(ranks=ranks)
    for step, wanted in zip(found["steps"], steps.padded["steps"], strict=True):
        assert all(math.isfinite(figure(step, name)) for name in FIGURES)
        ratios = {name: figure(step, name) / figure(wanted, name) for name in ("kl_loss", "grad_norm")}
        print({name: f"{ratio - 1:+.1%}" for name, ratio in ratios.items()})
        assert ratios == pytest.approx(dict.fromkeys(ratios, 1.0), abs=0.1)
    assert all(weight.isfinite().all() for weight in found["weights"].values())


def test_supervised_steps_too(tmp_path):
    write_corpus(tmp_path / "corpus.parquet", 16, 0, PHASES["noisy"])
    common = [
        f"model.path={TINY_MODEL}",
        f"data.train_files={tmp_path}/corpus.parquet",
        "data.train_batch_size=8",
        "data.max_length=256",
        "data.num_workers=0",
        "optim.lr=1e-3",
        "checkpoint.save_contents=[model]",
        "trainer.total_training_steps=2",
    ]
    # Three micro-batches of eight examples of 150 to 170 tokens.
    of_gpu = [*packed_steps.SFT_FLOAT32, "engine.use_torch_compile=false", "data.max_token_len_per_gpu=560"]
    wanted = packed_steps.supervised(tmp_path / "padded", "cpu", *common)
    found = packed_steps.supervised(tmp_path / "packed", "cuda", *common, *of_gpu)
    assert len(found) == 2
    for step, other in zip(found, wanted, strict=True):
        for name in ("train/loss", "train/grad_norm"):
            assert step[name] == pytest.approx(other[name], rel=1e-5), name
    assert abs(found[1]["train/loss"] - found[0]["train/loss"]) > 0.01  # the weights have moved
