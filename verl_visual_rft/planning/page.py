# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A plan, for people: tables for a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from verl_visual_rft.gpus import GIB
from verl_visual_rft.planning.memory import USABLE
from verl_visual_rft.planning.plan import Plan

#: Settings that the short form shows: what decides what is learnt, then what decides memory and speed.
_SHOWN = (
    "visual_rft.reward",
    "visual_rft.tau",
    "algorithm.adv_estimator",
    "algorithm.filter_groups.enable",
    "actor_rollout_ref.actor.loss_agg_mode",
    "actor_rollout_ref.actor.kl_loss_coef",
    "actor_rollout_ref.actor.optim.lr",
    "actor_rollout_ref.actor.optim.lr_scheduler_type",
    "actor_rollout_ref.rollout.temperature",
    "actor_rollout_ref.model.lora_rank",
    "actor_rollout_ref.model.enable_gradient_checkpointing",
    "actor_rollout_ref.rollout.gpu_memory_utilization",
    "actor_rollout_ref.rollout.tensor_model_parallel_size",
    "optim.lr",
    "optim.lr_scheduler_type",
    "model.lora_rank",
    "model.enable_gradient_checkpointing",
)


def print_plan(plan: Plan, console: Console) -> None:
    """Print a plan."""
    facts = plan.recipe.facts
    console.print(Text(f"{facts['title']}  ({facts.get('label', facts['method'])})", style="bold"))
    console.print(_run(plan))
    console.print(_settings(plan))
    console.print(_memory(plan))
    for line in _verdict(plan):
        console.print(line)
    if plan.knobs:
        console.print(_knobs(plan))
    console.print(_time(plan))
    for sentence in _assumptions(plan):
        console.print(Text(sentence, style="dim"))


def _run(plan: Plan) -> Table:
    settings = plan.settings
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    trained = "all trained" if plan.trained == plan.parameters.total else f"{_billions(plan.trained)} trained"
    table.add_row("model", f"{plan.model.name}: {_billions(plan.parameters.total)} parameters, {trained}")
    gpus = f"{settings.nodes} x " if settings.nodes > 1 else ""
    table.add_row("GPUs", f"{gpus}{settings.ranks_per_node} x {plan.gpu.name}")
    table.add_row("data", _data(plan))
    steps = "as many as the epochs give" if plan.steps is None else f"{plan.steps:,}"
    examples = "" if plan.steps is None else f", {plan.steps * settings.prompts:,} samples in all"
    table.add_row("steps", f"{steps}{examples}")
    if settings.rollout:
        answers = f"{settings.prompts} prompts x {settings.rollout.answers} rollouts = {settings.sequences} answers"
        lengths = f"prompts up to {settings.prompt_tokens:,} tokens, answers up to {settings.answer_tokens:,}"
    else:
        answers, lengths = f"{settings.prompts} examples", f"up to {settings.prompt_tokens:,} tokens each"
    table.add_row("a step", f"{answers}; {lengths}")
    table.add_row("", f"about {plan.duration.tokens:,} tokens, {plan.duration.answer_tokens:,} of them generated")
    return table


def _data(plan: Plan) -> str:
    names = ", ".join(plan.recipe.facts.get("data_sets", [plan.recipe.facts.get("data_set", "")]))
    if plan.rows is None:
        return f"{names}: not prepared yet, so rows and steps an epoch are not known"
    return f"{names}: {plan.rows:,} rows, {plan.steps_per_epoch:,} steps an epoch"


def _settings(plan: Plan) -> Table:
    table = _titled("Settings (--full: all)")
    table.add_column("setting")
    table.add_column("value")
    for name in _SHOWN:
        value = _select(plan.config, name)
        if value is not None:
            table.add_row(name, str(value))
    for name, size in plan.settings.batch_settings.items():
        table.add_row(name, str(size))
    return table


def _memory(plan: Plan) -> Table:
    phases = plan.memory.phases
    table = _titled(f"Memory of one GPU, GiB (estimate; {plan.gpu.memory / GIB:.1f} exist)")
    table.add_column("")
    for phase in phases:
        table.add_column(phase, justify="right")
    for part in dict.fromkeys(part for parts in phases.values() for part in parts):
        table.add_row(part, *(f"{parts[part] / GIB:.1f}" if parts.get(part) else "" for parts in phases.values()))
    table.add_section()
    too_much = USABLE * plan.gpu.memory
    peaks = [
        Text(f"{peak / GIB:.1f}", style="bold red" if peak > too_much else "bold")
        for peak in plan.memory.peaks.values()
    ]
    table.add_row("all", *peaks)
    return table


def _verdict(plan: Plan) -> Iterator[Text]:
    peak, memory = max(plan.memory.peaks.values()) / GIB, plan.memory
    most = f"{USABLE * plan.gpu.memory / GIB:.1f} GiB ({USABLE:.0%} of the GPU)"
    if memory.fits(plan.gpu):
        yield Text(f"fits: {peak:.1f} of {most}", style="bold green")
    else:
        yield Text(f"does not fit: {peak:.1f} GiB, and there are {most}", style="bold red")
    if memory.cached_answers is not None:
        wanted = f"a server has {memory.answers_at_once} at a time"
        yield Text(f"vLLM's cache holds {memory.cached_answers:,} prompts with answers of full length; {wanted}")
    if memory.host:
        yield Text(f"main memory, for each GPU: {memory.host / GIB:.1f} GiB for the reference and what is offloaded")


def _knobs(plan: Plan) -> Table:
    table = _titled("What helps, each by itself")
    table.add_column("setting", overflow="fold")
    table.add_column("GiB", justify="right")
    table.add_column("fits")
    table.add_column("costs")
    for knob in plan.knobs:
        table.add_row(
            knob.setting.replace(" ", "\n"), f"{knob.peak / GIB:.1f}", "yes" if knob.fits else "no", knob.cost
        )
    return table


def _time(plan: Plan) -> Table:
    table = _titled("Time of a step, seconds (estimate)")
    for part in plan.duration.parts:
        table.add_column(part, justify="right")
    table.add_column("step", justify="right", style="bold")
    table.add_column("run", justify="right", style="bold")
    hours = "" if plan.hours is None else f"{plan.hours:.1f} h"
    table.add_row(*(f"{part:.1f}" for part in plan.duration.parts.values()), f"{plan.duration.seconds:.1f}", hours)
    return table


def _assumptions(plan: Plan) -> Iterator[str]:
    assumed = plan.assumed
    yield "Nothing here was measured on a GPU; formulas and sources: docs/plan.md."
    parts = [f"{assumed.train_share:.0%} of a GPU's bf16 operations in training"]
    if plan.settings.rollout:
        parts += [
            f"{assumed.decode_share:.0%} of its memory's bandwidth in vLLM, and a token takes "
            f"{1000 * assumed.least_token_seconds:.0f} ms at least",
            f"answers of {assumed.answer_share:.0%} of their limit on average, the longest at the limit",
            f"prompts of {assumed.prompt_share:.0%} of theirs",
            f"{assumed.fixed_seconds:.0f} s a step for all else",
        ]
    yield f"Time assumes {', '.join(parts)}; without validation, checkpoints and evaluation."


def _titled(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", header_style="dim")


def _select(config: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(config, dict) or key not in config:
            return None
        config = config[key]
    return config


def _billions(count: int) -> str:
    return f"{count / 1e9:.2f} B" if count >= 1e8 else f"{count / 1e6:.1f} M"
