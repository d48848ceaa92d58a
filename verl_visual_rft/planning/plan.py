# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A recipe's plan: settings, memory, time, and what to turn when it does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from verl_visual_rft.datasets.manifest import MANIFEST_NAME, load_manifest
from verl_visual_rft.datasets.prepare import PrepareOptions
from verl_visual_rft.gpus import Gpu
from verl_visual_rft.planning import refusals
from verl_visual_rft.planning.command import compose, parse_command
from verl_visual_rft.planning.duration import Assumptions, Duration, estimate_duration
from verl_visual_rft.planning.knobs import Knob, helpful_knobs
from verl_visual_rft.planning.memory import Memory, estimate_memory, trained_parameters
from verl_visual_rft.planning.models import Model, load_model
from verl_visual_rft.planning.parameters import Parameters, count_parameters
from verl_visual_rft.planning.settings import Settings, settings_of
from verl_visual_rft.training.algorithms.checks import check_algorithm


@dataclass(frozen=True)
class Recipe:
    """A recipe with its variables set."""

    facts: Mapping[str, Any]  #: What it says about itself: name, title, paper, method, model, steps, ...
    training: Sequence[str]  #: The command that trains.


@dataclass(frozen=True)
class Plan:
    """An estimate; nothing of it has been measured on a GPU."""

    recipe: Recipe  #: What the recipe says.
    config: Mapping[str, Any]  #: The resolved configuration of its training.
    settings: Settings  #: What memory and time depend on.
    model: Model  #: Sizes.
    parameters: Parameters  #: Counts.
    gpu: Gpu  #: The GPU it is planned for.
    max_pixels: int  #: Of the largest picture.
    rows: int | None  #: Of the training data; None before they are prepared.
    memory: Memory  #: By phase and part.
    knobs: Sequence[Knob]  #: What helps where it does not fit; empty where it fits.
    duration: Duration  #: Of a step.
    assumed: Assumptions  #: What the duration assumes.

    @property
    def trained(self) -> int:
        """Parameters that train."""
        return trained_parameters(self.model, self.parameters, self.settings.engine)

    @property
    def steps_per_epoch(self) -> int | None:
        """Steps of one pass over the data; None before they are prepared."""
        return None if self.rows is None else self.rows // self.settings.prompts

    @property
    def steps(self) -> int | None:
        """Of the run; None where the epochs decide and the data are not prepared."""
        if self.settings.steps is not None:
            return self.settings.steps
        return None if self.steps_per_epoch is None else self.steps_per_epoch * self.settings.epochs

    @property
    def hours(self) -> float | None:
        """Of training, without validation, checkpoints and evaluation."""
        return None if self.steps is None else self.steps * self.duration.seconds / 3600

    def as_json(self) -> dict[str, Any]:
        """Return the plan for machines; bytes and seconds."""
        return {
            "recipe": dict(self.recipe.facts),
            "gpu": asdict(self.gpu),
            "nodes": self.settings.nodes,
            "gpus_per_node": self.settings.ranks_per_node,
            "parameters": {**asdict(self.parameters), "total": self.parameters.total, "trained": self.trained},
            "rows": self.rows,
            "steps_per_epoch": self.steps_per_epoch,
            "steps": self.steps,
            "prompts": self.settings.prompts,
            "answers": self.settings.sequences,
            "tokens_per_step": self.duration.tokens,
            "answer_tokens_per_step": self.duration.answer_tokens,
            "memory": {
                "fits": self.memory.fits(self.gpu),
                "phases": {phase: dict(parts) for phase, parts in self.memory.phases.items()},
                "peaks": self.memory.peaks,
                "cached_answers": self.memory.cached_answers,
                "answers_at_once": self.memory.answers_at_once,
                "host": self.memory.host,
            },
            "knobs": [asdict(knob) for knob in self.knobs],
            "seconds_per_step": dict(self.duration.parts),
            "hours": self.hours,
            "assumed": asdict(self.assumed),
            "config": dict(self.config),
        }


def plan_recipe(recipe: Recipe, gpu: Gpu) -> Plan:
    """Plan a recipe for GPUs that need not be here.

    Raises:
        UserError: Its settings cannot work.
    """
    config = compose(parse_command(recipe.training))
    if "algorithm" in config:
        check_algorithm(config)
    settings = settings_of(config)
    model = load_model(settings.model)
    refusals.check(settings, model)
    rows, max_pixels = _prepared(settings)
    memory = estimate_memory(settings, model, gpu, max_pixels)
    knobs = [] if memory.fits(gpu) else helpful_knobs(settings, model, gpu, max_pixels, memory)
    assumed = Assumptions()
    return Plan(
        recipe=recipe,
        config=config,
        settings=settings,
        model=model,
        parameters=count_parameters(model),
        gpu=gpu,
        max_pixels=max_pixels,
        rows=rows,
        memory=memory,
        knobs=knobs,
        duration=estimate_duration(settings, model, gpu, max_pixels, assumed),
        assumed=assumed,
    )


def _prepared(settings: Settings) -> tuple[int | None, int]:
    """Return rows and pixel limit: of the prepared data, or unknown rows and data preparation's default."""
    folders = [file.parent for file in settings.train_files]
    if not all((folder / MANIFEST_NAME).is_file() for folder in folders):
        return None, PrepareOptions().max_pixels
    manifests = [load_manifest(folder) for folder in folders]
    rows = sum(manifest["counts"]["train"]["rows"] for manifest in manifests)
    return rows, max(manifest["options"]["max_pixels"] for manifest in manifests)
