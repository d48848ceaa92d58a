# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Advantages of the rollouts of a step, and how veRL calls them (its `register_adv_est`)."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any

import torch

from verl_visual_rft.errors import UserError

#: ``algorithm.adv_estimator`` of GRPO and Dr. GRPO, and of GDPO.
GRPO, GDPO = "visual_rft_grpo", "visual_rft_gdpo"

_of_this_batch: ContextVar[torch.Tensor] = ContextVar("advantages of the responses of the batch in hand")


def register_advantages(core_algos: ModuleType) -> None:
    """Register the estimators `GRPO` and `GDPO` with veRL.

    veRL's own "grpo" has its epsilon of 1e-6 wired in (verl 0.9.1 ``trainer/ppo/ray_trainer.py:240``); its "gdpo" lacks
    its inputs in the trainer that is the default (``trainer/ppo/v1/trainer_base.py:1774``).
    """
    core_algos.register_adv_est(GRPO)(_grpo)
    core_algos.register_adv_est(GDPO)(_gdpo)


def group_advantages(
    scores: torch.Tensor, groups: Sequence[Hashable], epsilon: float, by_std: bool = True
) -> torch.Tensor:
    """Compare each score with its group: ``(r - mean) / (std + epsilon)``.

    Args:
        scores: Reward of each response, shape ``(n,)``.
        groups: The prompt that each answers.
        epsilon: Added to the standard deviation; 1e-4 in the published code (``grpo_trainer.py``).
        by_std: Divide at all; Dr. GRPO (arXiv 2503.20783, section 3.1) does not.

    Returns:
        Shape ``(n,)``. The deviation is the unbiased one (n - 1), as ``torch.std`` of the published code; the paper's
        Eq. 4 does not say which. A group whose scores are equal, or of one response, has advantage 0.

    Example:
        >>> group_advantages(torch.tensor([3.0, 1.0, 1.0, 1.0]), "aaaa", epsilon=1e-4).round(decimals=3).tolist()
        [1.5, -0.5, -0.5, -0.5]
    """
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    index = torch.tensor([numbers[group] for group in groups])
    exact = scores.detach().double()  # a mean of equal scores is then that score
    size = torch.zeros(len(numbers), dtype=exact.dtype).index_add_(0, index, torch.ones_like(exact))
    mean = torch.zeros_like(size).index_add_(0, index, exact) / size
    deviation = exact - mean[index]
    if by_std:
        variance = torch.zeros_like(size).index_add_(0, index, deviation**2) / (size - 1).clamp(min=1)
        deviation = deviation / (variance.sqrt()[index] + epsilon)
    return deviation.to(scores.dtype)


def component_advantages(
    components: Sequence[Mapping[str, float]],
    weights: Sequence[Mapping[str, float]],
    groups: Sequence[Hashable],
    epsilon: float,
) -> dict[str, torch.Tensor]:
    """Compare each component of the reward with its group, on its own: ``w_k (r_k - mean_k) / (std_k + epsilon)``.

    The first two steps of GDPO (arXiv 2601.05242, section 3.1): the sum over k, divided by its spread over the batch,
    is the advantage (`normalised_over_batch`). In GRPO a component of small spread drowns in one of large spread.

    Args:
        components: Components of each response's reward.
        weights: Of the components of each response's reward; the others are not paid for.
        groups: The prompt that each answers.
        epsilon: As in `group_advantages`.

    Returns:
        The weighted advantages of each component, shape ``(n,)``; 0 for responses whose reward does not have it.

    Raises:
        UserError: A reward did not return a component that it declares a weight for.
    """
    advantages = {}
    for name in sorted({name for of_one in weights for name in of_one}):
        weight = torch.tensor([of_one.get(name, 0.0) for of_one in weights])
        try:
            values = [float(c[name]) if name in w else 0.0 for c, w in zip(components, weights, strict=True)]
        except KeyError as error:
            raise UserError(
                f"algo=gdpo: the reward declares a weight for {name!r} but did not return it; mend its `weights`"
            ) from error
        advantages[name] = weight * group_advantages(torch.tensor(values), groups, epsilon)
    return advantages


def normalised_over_batch(advantages: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Give a batch of advantages mean 0 and deviation 1, the last step of GDPO.

    Over responses, as the paper has it; verl's own counts a response once a token (``masked_whiten``).
    """
    if len(advantages) < 2:
        return torch.zeros_like(advantages)
    return (advantages - advantages.mean()) / (advantages.std() + epsilon)


@contextmanager
def advantages_of_batch(advantages: torch.Tensor) -> Iterator[None]:
    """Hand the estimator `GDPO` the advantages of the responses, which veRL does not tell it the components of."""
    token = _of_this_batch.set(advantages)
    try:
        yield
    finally:
        _of_this_batch.reset(token)


def _grpo(
    token_level_rewards: torch.Tensor, response_mask: torch.Tensor, index: Sequence[Hashable], config: Any, **_: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    scores = token_level_rewards.sum(dim=-1)
    advantages = group_advantages(scores, index, config.grpo_epsilon, config.norm_adv_by_std_in_grpo)
    return _for_each_token(advantages, response_mask)


def _gdpo(response_mask: torch.Tensor, **_: Any) -> tuple[torch.Tensor, torch.Tensor]:
    return _for_each_token(_of_this_batch.get(), response_mask)


def _for_each_token(advantages: torch.Tensor, response_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return advantages and returns, which are the same, for each token of the responses."""
    by_token = advantages.unsqueeze(-1) * response_mask
    return by_token, by_token
