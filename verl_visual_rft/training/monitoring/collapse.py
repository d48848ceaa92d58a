# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Signs in a run's metrics that it no longer learns what it should, with what to do about each.

Thresholds are ours, set so that runs in which a reward was gamed (README, "Which reward") are warned of and the healthy
ones beside them are not: tests/training/monitoring/histories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, pvariance

from verl_visual_rft.evaluation.training_log import Series, TrainingLog
from verl_visual_rft.tasks.registry import main_metrics

#: Training steps that a judgement is made over: one step's few prompts differ too much from the next one's.
WINDOW = 10
#: Components that say how well the picture was understood.
QUALITY = ("iou", "accuracy")

_TIED, _UNREADABLE, _NOTHING_FOUND, _TRUNCATED = 0.6, 0.2, 0.8, 0.3
_LOST, _LOST_ON_VALIDATION = 0.7, 0.75  # of the best that it was
_LEAST_LOSS = 0.03  # on validation: less is noise of a hundred questions
_KL_JUMP, _KL_NOTEWORTHY, _KL_FAR = 3.0, 0.5, 5.0
# Nats a token. Seen, float32 on both sides: 0.09 and 0.13 in two steps that sampled with another run's weights, at most
# 3e-8 in the others of three runs. Not measured in bfloat16.
_OTHER_WEIGHTS = 0.03


@dataclass(frozen=True)
class Sign:
    """One sign.

    Attributes:
        name: Logged as ``warning/<name>``.
        seen: What the metrics show, with figures.
        advice: What to look at, and what helps.
    """

    name: str
    seen: str
    advice: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.name.replace('_', ' ')}: {self.seen}. {self.advice}"


def find_warnings(log: TrainingLog) -> list[Sign]:
    """Return what is wrong at the last step of a run's metrics; nothing while there are fewer than `WINDOW` steps.

    - ``tied_groups``: most groups have no variance and teach nothing.
    - ``unreadable_answers``: many answers are malformed or missing, and that does not improve.
    - ``nothing_found``: nearly all answers say that there is nothing to detect, though there is.
    - ``truncated_responses``: many responses end at the token limit.
    - ``kl_explosion``: the policy leaves the reference policy in leaps.
    - ``rollout_mismatch``: in some step vLLM sampled from another policy than the trainer's.
    - ``reward_hacking``: the reward does not fall while IoU or accuracy does, in training or on validation.

    Example:
        >>> steps = {step: {"group/zero_std_frac": 0.9} for step in range(1, 11)}
        >>> [warning.name for warning in find_warnings(TrainingLog(steps, 0))]
        ['tied_groups']
    """
    return [warning for rule in _RULES if (warning := rule(log)) is not None]


def _tied_groups(log: TrainingLog) -> Sign | None:
    share = _last(log.series("group/zero_std_frac"))
    if share is None or share < _TIED:
        return None
    return Sign(
        "tied_groups",
        f"in {share:.0%} of the groups of the last {WINDOW} steps all responses earn the same, which teaches nothing",
        "The prompts are solved, or too hard: use others, raise rollout.n or rollout.temperature, or filter such "
        "groups (algo=dapo)",
    )


def _unreadable_answers(log: TrainingLog) -> Sign | None:
    by_step = [
        metrics["parse/malformed"] + metrics["parse/no_answer"]
        for metrics in log.by_step.values()
        if "parse/malformed" in metrics and "parse/no_answer" in metrics
    ][-WINDOW:]
    if len(by_step) < WINDOW or fmean(by_step) < _UNREADABLE:
        return None
    before, now = fmean(by_step[: WINDOW // 2]), fmean(by_step[WINDOW // 2 :])
    if now < 0.9 * before:
        return None  # still being learnt
    return Sign(
        "unreadable_answers",
        f"{now:.0%} of the answers cannot be read, {before:.0%} before",
        "Look at the samples: if the format was never learnt, begin from a model after SFT; if it is being lost, lower "
        "the learning rate, and see whether the reward pays for it (visual-rft reward audit)",
    )


def _nothing_found(log: TrainingLog) -> Sign | None:
    share, truths = _last(log.series("parse/no_objects")), _last(log.series("reward/n_truth/mean"))
    if share is None or share < _NOTHING_FOUND or truths is None or truths < 0.5:
        return None
    return Sign(
        "nothing_found",
        f'{share:.0%} of the answers are "No Objects", though there are {truths:.1f} objects a question',
        "Give fewer questions without objects (--negatives), or a reward that pays less for a lucky silence",
    )


def _truncated_responses(log: TrainingLog) -> Sign | None:
    share = _last(log.series("response/truncated"))
    if share is None or share < _TRUNCATED:
        return None
    return Sign(
        "truncated_responses",
        f"{share:.0%} of the responses end at data.max_response_length",
        "A cut answer earns nothing and teaches the cut: raise data.max_response_length, or see in the samples what "
        "repeats",
    )


def _kl_explosion(log: TrainingLog) -> Sign | None:
    values = log.series("actor/kl_loss").values
    if len(values) < WINDOW + WINDOW // 2:
        return None
    now, before = fmean(values[-WINDOW // 2 :]), fmean(values[-WINDOW - WINDOW // 2 : -WINDOW // 2])
    if not (now > _KL_FAR or (now > _KL_NOTEWORTHY and now > _KL_JUMP * before)):
        return None
    return Sign(
        "kl_explosion",
        f"the KL to the reference policy is {now:.2f}, {before:.2f} before",
        "Lower the learning rate or raise actor.kl_loss_coef, and go on from a checkpoint before it rose",
    )


def _rollout_mismatch(log: TrainingLog) -> Sign | None:
    series = log.series("rollout_corr/k3_kl")
    if len(series.values) < WINDOW:
        return None
    kl, step = max(zip(series.values[-WINDOW:], series.steps[-WINDOW:], strict=True))
    if kl < _OTHER_WEIGHTS:
        return None
    return Sign(
        "rollout_mismatch",
        f"in step {step} the KL between the policy that vLLM sampled from and the trainer's was {kl:.2g}",
        "In single steps: vLLM had other weights than the trainer, go on from a checkpoint before them. In all: "
        "compare the precisions of both (rollout.dtype), or correct for it (algorithm.rollout_correction)",
    )


def _reward_hacking(log: TrainingLog) -> Sign | None:
    evidence = next(_lost_quality(log), None) or next(_lost_on_validation(log), None)
    if evidence is None:
        return None
    form = _last(log.series("reward/format/mean"))
    held = f", format {form:.2f}" if form is not None and form > 0.9 else ""
    return Sign(
        "reward_hacking",
        f"{evidence}{held}: a sign of reward hacking, or of too few prompts learnt by heart",
        "Look at the samples; the best checkpoint may lie behind. Train with visual_rft.reward=robust, and try a "
        "reward of your own with visual-rft reward audit",
    )


def _lost_quality(log: TrainingLog) -> Iterator[str]:
    """Components of quality that fell below their best steps, by more than chance, while the reward did not."""
    for component in QUALITY:
        points = [
            (metrics[f"reward/{component}/mean"], metrics["reward/score/mean"])
            for metrics in log.by_step.values()
            if f"reward/{component}/mean" in metrics and "reward/score/mean" in metrics
        ]
        if len(points) < 2 * WINDOW:
            continue
        earlier = [_Window(points[start : start + WINDOW]) for start in range(len(points) - 2 * WINDOW + 1)]
        then, now = max(earlier, key=lambda window: window.quality), _Window(points[-WINDOW:])
        chance = 2 * sqrt((then.variance + now.variance) / WINDOW)
        fell = then.quality - now.quality > chance and now.quality < _LOST * then.quality
        if fell and now.reward >= then.reward:
            yield _both(then.reward, now.reward, component, then.quality, now.quality)


class _Window:
    """Means over some steps' pairs of quality and reward."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        self._qualities = [quality for quality, _ in points]
        self.quality, self.reward = fmean(self._qualities), fmean(reward for _, reward in points)

    @property
    def variance(self) -> float:
        """Of the quality, between the steps."""
        return pvariance(self._qualities)


def _lost_on_validation(log: TrainingLog) -> Iterator[str]:
    """Metrics of validation that fell below their best while the training reward did not."""
    for name, series, unit in _validated(log):
        best, now = max(series.values), series.values[-1]
        step = series.steps[series.values.index(best)]
        if now > _LOST_ON_VALIDATION * best or best - now < _LEAST_LOSS * unit:
            continue
        rewards = log.series("reward/score/mean")
        reward_then, reward_now = _until(rewards, step), _last(rewards)
        if reward_then is not None and reward_now is not None and reward_now >= reward_then:
            yield _both(reward_then, reward_now, f"{name} on validation", best, now)


def _validated(log: TrainingLog) -> Iterator[tuple[str, Series, float]]:
    """Name, series and what counts as all of it: the task's own metrics in percent, then veRL's means of components."""
    for metric in main_metrics():
        for source, series in log.task_metric(metric).items():
            yield f"{metric} ({source})", series, 100.0
    for component in QUALITY:
        for source, series in log.validation(component).items():
            yield f"{component} ({source})", series, 1.0


def _both(reward_then: float, reward_now: float, quality: str, then: float, now: float) -> str:
    return (
        f"the reward goes from {reward_then:.2f} to {reward_now:.2f} while {quality} falls from {then:.3g} to {now:.3g}"
    )


def _last(series: Series) -> float | None:
    """Mean over the last window; ``None`` while there are fewer steps."""
    return fmean(series.values[-WINDOW:]) if len(series.values) >= WINDOW else None


def _until(series: Series, step: int) -> float | None:
    """Mean over the window that ends at a step; of the first steps, over the first half of a window."""
    end = max(sum(at <= step for at in series.steps), WINDOW // 2)
    return fmean(series.values[max(end - WINDOW, 0) : end]) if len(series.values) >= end else None


_RULES: tuple[Callable[[TrainingLog], Sign | None], ...] = (
    _reward_hacking,
    _tied_groups,
    _unreadable_answers,
    _nothing_found,
    _truncated_responses,
    _kl_explosion,
    _rollout_mismatch,
)


# What the rules read begins with one of these.
_READ = ("reward/", "group/", "parse/", "response/", "actor/kl_loss", "rollout_corr/k3_kl", "val")


class Watch:
    """Says each warning once when it begins, and again only after a window without it.

    Args:
        log: Metrics of the run so far: of earlier starts, where it goes on from a checkpoint.
    """

    def __init__(self, log: TrainingLog) -> None:
        self._log = log
        self._seen: dict[str, int] = {}  # name: last step at which it held

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take the metrics of a step; a step may come in parts."""
        kept = {name: float(value) for name, value in metrics.items() if name.startswith(_READ)}
        self._log.by_step.setdefault(step, {}).update(kept)

    def check(self, step: int) -> tuple[list[Sign], dict[str, float]]:
        """Return the warnings that begin at this step, and ``warning/<name>`` = 1 for all that hold."""
        holding = find_warnings(self._log)
        begun = [w for w in holding if step - self._seen.get(w.name, step - 2 * WINDOW) > WINDOW]
        self._seen.update({warning.name: step for warning in holding})
        return begun, {f"warning/{warning.name}": 1.0 for warning in holding}
