# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the trainer calls to have a run seen: after each step, and with each validation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from verl_visual_rft.atomic import write_text
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.training_log import TrainingLog, read_training_log, training_log_files
from verl_visual_rft.terminal import say
from verl_visual_rft.training.guards.rows import run_folder
from verl_visual_rft.training.monitoring.collapse import Watch
from verl_visual_rft.training.monitoring.loggers import show_samples
from verl_visual_rft.training.monitoring.page import render_page
from verl_visual_rft.training.monitoring.samples import TrainingRows, choose_keys, make_rollout
from verl_visual_rft.training.monitoring.statistics import component_statistics, truncated_share
from verl_visual_rft.training.monitoring.validation import COLUMNS, ValidationQuestion, read_questions, task_metrics
from verl_visual_rft.training.rollouts.responses import columns_of, prompts_of, reward_infos


class Monitor:
    """Adds what a person wants to see to a trainer's metrics.

    Args:
        trainer: veRL's trainer; its data are read when they are first needed.

    Raises:
        UserError: A setting cannot work.
    """

    def __init__(self, trainer: Any) -> None:
        check_monitoring(trainer.config)
        self._trainer = trainer
        self._folder = run_folder(trainer.config.trainer.default_local_dir)
        self._samples = trainer.config.visual_rft.samples
        self._outputs: Sequence[str] = ()

    def validated_responses(self, outputs: Sequence[str]) -> None:
        """Take the responses of a validation, which veRL does not hand to the function that makes its metrics."""
        self._outputs = outputs

    def validation(
        self, metrics: dict[str, Any], uids: Sequence[str], expected: Mapping[tuple[str, str], int]
    ) -> dict[str, Any]:
        """Add the metrics of the task, for the responses that were taken last, to those of veRL.

        Args:
            metrics: What veRL made of them.
            uids: The prompt of each response.
            expected: Data source and uid of each prompt, in the order of the data: how many responses were asked for.
        """
        by_prompt: dict[str, list[str | None]] = defaultdict(list)
        for uid, output in zip(uids, self._outputs, strict=True):
            by_prompt[uid].append(output)
        responses = [by_prompt[uid] + [None] * (count - len(by_prompt[uid])) for (_, uid), count in expected.items()]
        metrics |= task_metrics(self._questions, responses)
        self._watch.add(self._trainer.global_steps, metrics)  # for the warnings of later steps
        return metrics

    def step(self, batch: Any, metrics: dict[str, Any]) -> None:
        """Add the figures of a training step to ``metrics``, print the warnings that begin, show sample rollouts."""
        trainer, config = self._trainer, self._trainer.config
        tags = {key: tag for key, tag in zip(batch.keys, batch.tags, strict=True) if not tag.get("is_padding")}
        kept, step = list(tags), trainer.global_steps
        metrics.update(component_statistics(reward_infos(kept, batch.partition_id), prompts_of(kept)))
        lengths = [tag["response_len"] for tag in tags.values()]
        metrics["response/truncated"] = truncated_share(lengths, config.data.max_response_length)
        wanted = config.data.train_batch_size * config.actor_rollout_ref.rollout.n
        metrics["rollout/missing_sessions"] = wanted - len(kept)
        metrics["training/total_steps"] = trainer.total_training_steps
        self._watch.add(step, metrics)
        begun, warnings = self._watch.check(step)
        for sign in begun:
            say(f"visual-rft: step {step}: {sign}")
        metrics.update(warnings)
        if self._samples.count and (step == 1 or step % self._samples.every == 0):
            metrics.update(self._show_samples(kept, batch.partition_id))

    def _show_samples(self, keys: Sequence[str], partition_id: str) -> dict[str, float]:
        trainer, step = self._trainer, self._trainer.global_steps
        chosen = choose_keys(keys, self._samples.count)
        columns = ("data_source", "ability", "reward_model", "extra_info", "responses", "extra_fields")
        rollouts = []
        for values in zip(*columns_of(chosen, partition_id, *columns), strict=True):
            row = dict(zip(columns, values, strict=True))
            position, stored = self._rows.find(row)
            text = trainer.tokenizer.decode(row["responses"], skip_special_tokens=True)
            info, most = row["extra_fields"]["reward_extra_info"], trainer.config.data.max_response_length
            rollouts.append(make_rollout(position, stored, text, info, len(row["responses"]), most))
        page = self._folder / "samples" / f"step_{step:06d}.html"
        try:
            write_text(page, render_page(step, rollouts))
        except UserError as error:  # a page is not worth a run
            say(f"visual-rft: step {step}: no sample rollouts: {error}")
            return {"warning/no_samples": 1.0}
        show_samples(trainer.logger.logger, step, page, rollouts)
        return {}

    @cached_property
    def _questions(self) -> list[ValidationQuestion]:
        return read_questions(self._trainer.val_dataset.dataframe.select_columns(list(COLUMNS)))

    @cached_property
    def _rows(self) -> TrainingRows:
        return TrainingRows(self._trainer.train_dataset.dataframe)

    @cached_property
    def _watch(self) -> Watch:
        return Watch(earlier_steps(self._folder, self._trainer.global_steps))


def check_monitoring(config: Any) -> None:
    """Refuse settings that cannot work.

    Raises:
        UserError: The message names the setting and the remedy.
    """
    samples = config.visual_rft.samples
    if samples.count < 0 or samples.every < 1:
        raise UserError(
            f"visual_rft.samples={{count: {samples.count}, every: {samples.every}}}: count is 0 (off) or more, "
            "every is 1 or more"
        )
    if config.data.validation_shuffle:
        raise UserError(
            "data.validation_shuffle=true: the metrics of validation need the order of the file; leave it false"
        )


def earlier_steps(folder: Path, before: int) -> TrainingLog:
    """Read what earlier starts of a run logged before a step; nothing where they left none."""
    if before <= 1 or not any(folder.glob("metrics.*.jsonl")):
        return TrainingLog({}, 0)
    try:
        log = read_training_log(training_log_files(folder))
    except UserError as error:
        say(f"visual-rft: earlier steps are left out of the warnings: {error}")
        return TrainingLog({}, 0)
    return TrainingLog({step: metrics for step, metrics in log.by_step.items() if step < before}, 0)
