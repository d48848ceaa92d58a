# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A run of an experiment: its commands, from the original files to the paper's table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from verl_visual_rft.atomic import write_text
from verl_visual_rft.runs.commands import Command, grpo_command, prepare_command, report_command, sft_command
from verl_visual_rft.runs.device import device_variables
from verl_visual_rft.runs.evaluation import Questions, evaluation_stages, export_stage
from verl_visual_rft.runs.experiments import Evaluation, Experiment, Preparation
from verl_visual_rft.runs.paths import output_folder, work_folder
from verl_visual_rft.runs.stages import Stage, Stages, lock_output
from verl_visual_rft.runs.variables import Variables, default_negatives, exist_map, read_variables
from verl_visual_rft.runs.words import hydra_value
from verl_visual_rft.terminal import say

_PROMPT_TOKENS = 1024  # with the picture


@dataclass(frozen=True)
class Scale:
    """How much a run does."""

    steps: int  #: Of training.
    rollouts: int  #: Of a prompt.
    rows: int  #: Training rows to draw, of an experiment that draws rows.
    prompts: int = 16  #: Of a step.
    every: int = 50  #: Steps between checkpoints, and between validations.
    #: Settings of GRPO: on how many questions it is validated, and how.
    grpo: tuple[str, ...] = ("data.val_max_samples=256",)
    prepare: tuple[str, ...] = ()  #: Options of data preparation.
    sampling: tuple[str, ...] = ()  #: Options of ``visual-rft predict``.


#: So small that a CPU does it in minutes.
SMOKE = Scale(
    steps=2,
    rollouts=2,
    rows=32,
    prompts=4,
    every=2,
    grpo=(
        *("data.val_max_samples=8", "data.val_batch_size=8", "data.max_response_length=32"),
        *("trainer.val_before_train=false", "actor_rollout_ref.rollout.max_num_seqs=16"),
    ),
    prepare=("--max-pixels", "12544", "--workers", "1"),
    sampling=("--max-tokens", "32", "--max-model-len", "1152", "--dtype", "float32"),
)


@dataclass(frozen=True)
class ExperimentRun:
    """An experiment with its variables set."""

    experiment: Experiment  #: Which.
    variables: Variables  #: Checked.
    overrides: tuple[str, ...]  #: Settings of veRL, which have the last word.
    output: Path  #: Folder of the run.
    folder: Path  #: Commands run there.

    @property
    def device(self) -> str:
        """What it runs on, "cpu" or "cuda"."""
        return self.variables.device

    @property
    def is_dry(self) -> bool:
        """Whether the user wants to see the commands alone."""
        return self.variables.dry_run

    def dry_run(self) -> Iterator[str]:
        """Give the lines of JSON that DRY_RUN=1 prints: what the run is, and its stages."""
        yield json.dumps({"recipe": self.facts(self.variables.model)})
        for stage in self.stages(self.model):
            if stage.kind in self.variables.stages:
                yield stage.as_json()

    def run(self) -> None:
        """Check everything that can be checked, then run the stages.

        Raises:
            UserError: Something speaks against it, or a stage failed; what was finished before is kept.
            SystemExit: A stage failed, and has said why.
        """
        from verl_visual_rft.rewards import load_reward

        variables = device_variables(self.device, self.variables.gpus)
        with lock_output(self.output) as lock:
            load_reward(self.variables.reward)
            count = len(self.stages(self.model))
            stages = Stages(self.output, count, self.folder, variables, self.variables.stages, kept=[lock])
            miniatures = self.miniatures()
            for stage in miniatures:
                stages.run(stage)
            self._check()
            for stage in self.stages(self._fetch_model())[len(miniatures) :]:
                if stage.kind == "eval" and stages.asks_for(stage):
                    facts = json.dumps({"recipe": self.facts(self.model)})
                    write_text(self.output / "eval" / self.variables.method / "run.json", f"{facts}\n")
                stages.run(stage)

    def facts(self, model: str) -> dict[str, Any]:
        """Return what the run is, ready for JSON: the first line of DRY_RUN=1, and ``eval/METHOD/run.json``."""
        experiment, variables = self.experiment, self.variables
        return {
            "name": experiment.name,
            "title": experiment.title,
            "paper": {"table": experiment.tables[0], "row": experiment.row},
            "tables": experiment.tables,
            "method": variables.method,
            "label": self.label,
            "model": model,
            "data_set": experiment.data_sets[0],
            "data_sets": experiment.data_sets,
            "data_root": self.original(experiment.data_sets[0]),
            "reward": variables.reward,
            "negatives": float(variables.negatives) if "." in variables.negatives else 0,
            "algo": variables.algo,
            "think": "on" if variables.think else "off",
            "lora": variables.lora,
            "seed": variables.seed,
            "steps": self.scale.steps,
            "prompts": self.scale.prompts,
            "rollouts": self.scale.rollouts,
            "shots": variables.shots,
            "device": variables.device,
            "nodes": variables.nodes,
            "gpus": variables.gpus,
            "smoke": int(variables.smoke),
            "output_dir": str(self.output),
        }

    @property
    def label(self) -> str:
        """How the run is called in tables."""
        variables = self.variables
        parameters = "vision tower frozen" if variables.freeze_vision else "all parameters"
        if variables.lora:
            parameters = f"LoRA {variables.lora}"
        if not variables.think:
            parameters += ", no thinking"
        targets = "answers alone" if variables.sft_target == "answer" else "with reasoning"
        if variables.negatives != "0":
            parameters += f", negatives {variables.negatives}"
        return {
            "base": "base",
            "sft": f"+ SFT ({parameters}, {targets})",
            "rft": f"+ Visual-RFT (reward {variables.reward}, algorithm {variables.algo}, {parameters})",
        }[variables.method]

    @property
    def scale(self) -> Scale:
        """How much it does."""
        experiment = self.experiment
        return SMOKE if self.variables.smoke else Scale(experiment.steps, experiment.rollouts, experiment.rows)

    @cached_property
    def family(self) -> str:
        """The model's family, which decides coordinates and prompts."""
        if self.variables.model == self.experiment.model:
            return "qwen2-vl"
        from verl_visual_rft.planning.models import family_of, load_config

        return family_of(self.variables.model, load_config(self.variables.model))

    @property
    def model(self) -> str:
        """The model that is trained: a folder, or a name on the hub."""
        is_miniature = self.variables.smoke and self.variables.model == self.experiment.model
        return str(self.output / "model") if is_miniature else self.variables.model

    @property
    def sam(self) -> str:
        """What makes masks of the answered boxes; empty: nothing does."""
        return str(self.output / "sam") if self.variables.sam and self.variables.smoke else self.variables.sam

    def original(self, data_set: str) -> str:
        """Return the folder of a data set's original files."""
        if self.variables.data_root:
            return str(self.variables.data_root)
        return str(self.output / f"original_{data_set}") if self.variables.smoke else "DATA_ROOT"

    def stages(self, model_folder: str) -> list[Stage]:
        """Return all stages, the model's files being in a folder."""
        method = self.variables.method
        stages = [*self.miniatures(), *(self._prepare(part, model_folder) for part in self.experiment.preparations)]
        if command := self.training():
            title = f"{method.upper()}: {self.scale.steps} steps"
            stages.append(Stage(method, title, command, "train", is_training=True))
            stages.append(export_stage(method, f"{method.upper()}: export", self.output / method, model_folder))
        model = str(self.output / method / "hf") if command else model_folder
        before = stages[-1].name
        for evaluation in self.experiment.evaluations:
            stages += self._evaluate(evaluation, model, before)
        return stages + self._report()

    def miniatures(self) -> list[Stage]:
        """Return the stages that draw data sets in their original layouts, and make a tiny random model; of SMOKE=1."""
        if not self.variables.smoke:
            return []
        stages = []
        if self.model != self.variables.model:
            command: Command = ("python", "-m", "verl_visual_rft.miniature.tiny_model")
            command += ("--family", self.family, "--out", self.model)
            stages.append(Stage("model", "a tiny random model", command, "data", log=self.output / "model.log"))
        if self.sam:
            command = ("python", "-m", "verl_visual_rft.miniature.tiny_sam", "--out", self.sam)
            stages.append(Stage("sam", "a tiny random SAM", command, "data", log=self.output / "sam.log"))
        if self.variables.data_root is None:
            stages += map(self._draw, self.experiment.data_sets)
        return stages

    def _draw(self, data_set: str) -> Stage:
        name = data_set.replace("lisa", "reasonseg")
        command = ("visual-rft", "data", "fake", name, "--out", self.original(data_set))
        return Stage(f"original_{data_set}", f"miniature data set: {data_set}", command, "data")

    def _prepare(self, part: Preparation, model_folder: str) -> Stage:
        variables, is_trained_on = self.variables, part.folder == "data"
        drawn: Command = ()
        if is_trained_on and variables.shots:
            drawn = ("--shots", str(variables.shots))
        elif is_trained_on and self.experiment.rows:
            drawn = ("--rows", str(self.scale.rows))
        command = (
            *prepare_command(part.data_set),
            *("--root", self.original(part.data_set), "--out", str(self.output / part.folder)),
            *(*drawn, *part.options, *self._absent_questions(part.data_set)),
            *(("--negatives", variables.negatives) if is_trained_on and variables.negatives != "0" else ()),
            *("--seed", str(variables.seed), "--family", self.family, "--tokenizer", model_folder),
            *("--max-prompt-tokens", str(_PROMPT_TOKENS), *self.scale.prepare),
            *(() if variables.think else ("--no-think",)),
            *(() if variables.sft_target == "answer" else ("--sft-target", variables.sft_target)),
        )
        return Stage(part.folder, f"data preparation: {part.data_set}", command, "data", is_data=True)

    def _absent_questions(self, data_set: str) -> Command:
        """Ask also about what is not in the picture, so that false alarms count.

        The published evaluation asks what a map of the untuned model calls present, no more and no less.
        """
        if self.variables.exist_maps:
            return ("--val-pairs", str(exist_map(self.experiment, self.variables.exist_maps, data_set)))
        return {"coco": ("--val-negatives", "0.5"), "lvis": ("--val-questions", "verified")}.get(data_set, ())

    def training(self) -> Command:
        """Return the command that trains; empty of METHOD=base."""
        variables, scale, output = self.variables, self.scale, self.output
        if variables.method == "base":
            return ()
        frozen = "true" if variables.freeze_vision else ""
        adapter = (f"lora_rank={variables.lora}", f"lora_alpha={2 * variables.lora}") if variables.lora else ()
        model = hydra_value(self.model)
        if variables.method == "sft":
            return sft_command(
                output / "sft",
                scale.steps,
                variables.gpus,
                *(f"sft_device={self.device}", f"model.path={model}", f"data.train_files={self._rows('sft_train')}"),
                f"data.train_batch_size={scale.prompts}",
                f"data.micro_batch_size_per_gpu={self._micro_batch(scale.prompts, 4)}",
                *(f"trainer.seed={variables.seed}", f"trainer.save_freq={scale.every}"),
                f"trainer.n_gpus_per_node={variables.gpus}",
                *((f"engine.freeze_vision={frozen}",) if frozen else ()),
                *(("sft=lora", *(f"model.{setting}" for setting in adapter)) if adapter else ()),
                *self.overrides,
            )
        sequences = scale.prompts * scale.rollouts
        policy = "actor_rollout_ref"
        return grpo_command(
            output / "rft",
            scale.steps,
            variables.reward,
            *(f"device={self.device}", f"algo={variables.algo}", f"{policy}.model.path={model}"),
            *(f"data.train_files={self._rows('train')}", f"data.val_files={hydra_value(output / 'data/val.parquet')}"),
            *(f"data.train_batch_size={scale.prompts}", f"data.max_prompt_length={_PROMPT_TOKENS}"),
            *(f"data.seed={variables.seed}", f"{policy}.rollout.seed={variables.seed}"),
            f"{policy}.rollout.n={scale.rollouts}",
            f"{policy}.actor.ppo_micro_batch_size_per_gpu={self._micro_batch(sequences, 4)}",
            f"{policy}.ref.log_prob_micro_batch_size_per_gpu={self._micro_batch(sequences, 8)}",
            f"{policy}.rollout.log_prob_micro_batch_size_per_gpu={self._micro_batch(sequences, 8)}",
            *(f"trainer.save_freq={scale.every}", f"trainer.test_freq={scale.every}"),
            *(f"trainer.n_gpus_per_node={variables.gpus}", f"trainer.nnodes={variables.nodes}"),
            *scale.grpo,
            *((f"visual_rft.freeze_vision={frozen}",) if frozen else ()),
            *(("lora=on", *(f"{policy}.model.{setting}" for setting in adapter)) if adapter else ()),
            *((f"visual_rft.tau={variables.tau}",) if variables.tau != "fixed" else ()),
            *(("cluster=running",) if variables.cluster else ()),
            *self.overrides,
        )

    def _rows(self, split: str) -> str:
        """Return training rows as Hydra takes them, several times where they alone would fill no batch."""
        file = hydra_value(self.output / "data" / f"{split}.parquet")
        return f"[{','.join([file] * self.variables.train_copies)}]"

    def _micro_batch(self, sequences: int, most: int) -> int:
        """Return the largest number of sequences, at most so many, that divides what each rank has of the batch.

        A rank takes them at once where their lengths do not decide, as on a CPU.
        """
        mine = sequences // (self.variables.gpus * self.variables.nodes)
        return next(size for size in range(most, 0, -1) if mine % size == 0)

    def _evaluate(self, evaluation: Evaluation, model: str, after: str) -> list[Stage]:
        variables = self.variables
        data_set = next(part.data_set for part in self.experiment.preparations if part.folder == evaluation.folder)
        questions = Questions(
            self.output / evaluation.folder,
            evaluation.split,
            variables.reward,
            self.scale.sampling + (() if self.device == "cpu" else (f"--workers={variables.gpus}",)),
            exist_map(self.experiment, variables.exist_maps, data_set) if variables.exist_maps else None,
            self.sam,
        )
        place, title = variables.method, f"evaluation of {variables.method}"
        if evaluation.name:
            place, title = f"{place}/{evaluation.name}", f"{title} on {evaluation.name}"
        return evaluation_stages(self.output, place, title, model, questions, after)

    def _report(self) -> list[Stage]:
        """The page of all methods that the folder has, and the paper's tables beside them."""
        page = report_command(self.output, self.variables.reward, self.variables.seed)
        stages = [Stage("report", "report", page, "report", always=True)]
        for table in self.experiment.tables:
            beside: Command = ("visual-rft", "report", str(self.output), "--table", str(table))
            beside += ("--paper-model", self.experiment.size)
            title = f"beside the paper's table {table}"
            stages.append(Stage(f"table{table}", title, beside, "report", always=True))
        return stages

    def _check(self) -> None:
        from verl_visual_rft.planning.check import check_data_root, check_evaluation, check_training

        if "data" in self.variables.stages:
            for data_set in self.experiment.data_sets:
                check_data_root(data_set, Path(self.original(data_set)))
        if command := self.training():
            check_training(command, self.variables.think)
        else:
            check_evaluation(self.model, self.device, self.variables.gpus)

    def _fetch_model(self) -> str:
        """Return the folder of the model's files, downloaded where it is a name."""
        if Path(self.model).is_dir():
            return self.model
        from huggingface_hub import snapshot_download

        say(f"the files of {self.model}:")
        return str(snapshot_download(self.model))


def read_experiment(
    experiment: Experiment, environment: Mapping[str, str], overrides: Sequence[str], caller: Path
) -> ExperimentRun:
    """Return the run that variables and overrides ask for; see `read_variables`."""
    variables = read_variables(experiment, environment, overrides, caller)
    output = output_folder(environment.get("OUTPUT_DIR", ""), _default_folder(experiment, variables), caller)
    return ExperimentRun(experiment, variables, tuple(overrides), output, work_folder(caller))


def _default_folder(experiment: Experiment, variables: Variables) -> str:
    """A folder a setting: what differs from the defaults is part of its name."""
    parts = [
        experiment.name,
        f"{variables.shots}shot" if variables.shots else "",
        Path(variables.model).name if variables.model != experiment.model else "",
        re.sub("[^A-Za-z0-9.]", "_", variables.reward) if variables.reward != "robust" else "",
        _unless(default_negatives(experiment, variables.reward), variables.negatives, "negatives"),
        _unless("paper", variables.algo),
        "" if variables.think else "nothink",
        f"lora{variables.lora}" if variables.lora else "",
        "frozen" if variables.freeze_vision else "",
        _unless("fixed", variables.tau),
        _unless("answer", variables.sft_target),
        "maps" if variables.exist_maps else "",
        f"seed{variables.seed}" if variables.seed else "",
    ]
    name = "_".join(filter(None, parts))
    return f"outputs/smoke/{name}" if variables.smoke else f"outputs/{name}"


def _unless(default: str, value: str, prefix: str = "") -> str:
    return "" if value == default else f"{prefix}{value}"
