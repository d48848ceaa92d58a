# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A batch that is one update needs no forward pass for its old log-probabilities.

veRL 0.9.1 computes them before every update (``trainer_base.py:1634``). Where the batch is one update, the weights of
that pass are the update's own, and the ratio of new to old is 1: the published loss, ``exp(log p - log p.detach())``.
So the update takes its own log-probabilities, without gradient, for the old ones. What veRL reports of the pass, the
entropy and how far vLLM's probabilities are from the trainer's, is reported of the update.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

#: Whether an update is to take its own log-probabilities: in the batch's ``extra_info``, then in the data.
OWN_LOG_PROBS = "old_log_probs_are_the_updates_own"
#: Advantages that are computed from old log-probabilities (verl 0.9.1 ``core_algos.py:874,993``).
_FROM_OLD_LOG_PROBS = ("optimal_token_baseline", "tir_optimal_token_baseline")
#: Metrics of the pass that are not the actor's.
_PREFIXES = ("training/", "rollout_corr/")


def wants_no_old_log_probs(config: Mapping[str, Any]) -> bool:
    """Whether a configuration uses old log-probabilities for the ratio of one update alone.

    Args:
        config: Of GRPO, resolved.

    Returns:
        False where a batch is several updates, or where something else reads them: a KL in the reward, weights or
        rejection by rollout correction, another policy loss, an advantage made of them, distillation; and where the
        actor is not ours: other engines than FSDP, fused kernels (they give no logits to take the entropy of).
    """
    algorithm, model = config["algorithm"], config["actor_rollout_ref"]["model"]
    actor = config["actor_rollout_ref"]["actor"]
    correction = algorithm.get("rollout_correction") or {}
    return (
        actor["ppo_epochs"] == 1
        and actor["ppo_mini_batch_size"] == config["data"]["train_batch_size"]
        and actor["strategy"] in ("fsdp", "fsdp2")
        and config["trainer"].get("device") in ("cuda", "cpu")
        and (actor.get("policy_loss") or {}).get("loss_mode", "vanilla") == "vanilla"
        and not model.get("use_fused_kernels")
        and not algorithm.get("use_kl_in_reward")
        and algorithm["adv_estimator"] not in _FROM_OLD_LOG_PROBS
        and not any(correction.get(key) for key in ("bypass_mode", "rollout_is", "rollout_rs"))
        and not (config.get("distillation") or {}).get("enabled")
    )


def is_one_update(config: Mapping[str, Any], n_rows: int) -> bool:
    """Whether a batch of ``n_rows`` responses, padding included, is one update that wants no old log-probabilities."""
    actor, rollout = config["actor_rollout_ref"]["actor"], config["actor_rollout_ref"]["rollout"]
    return wants_no_old_log_probs(config) and bool(n_rows == actor["ppo_mini_batch_size"] * rollout["n"])


def name_metrics_of_pass(metrics: dict[str, Any]) -> None:
    """Give metrics of an update with its own log-probabilities the names that they have with the pass."""
    metrics["actor/entropy"] = metrics["actor/entropy_loss"]
    for name in [name for name in metrics if name.removeprefix("actor/").startswith(_PREFIXES)]:
        metrics[name.removeprefix("actor/")] = metrics.pop(name)


class OneUpdate:
    """A mixin for veRL's FSDP engine: updates that take their own log-probabilities for the old ones.

    Only of data that say `OWN_LOG_PROBS`; with others it does nothing.
    """

    def train_batch(self, data: Any, loss_function: Callable[..., Any]) -> Any:
        """Update on a batch."""
        if not _own(data):
            return super().train_batch(data, loss_function)  # type: ignore[misc]
        from verl.utils import tensordict_utils

        tensordict_utils.assign_non_tensor(data, return_model_output=True)
        output = super().train_batch(data, partial(_with_own_log_probs, loss_function))  # type: ignore[misc]
        if "rollout_log_probs" in data.keys():
            compared = compare_with_rollout(output["model_output"]["log_probs"], data)
            output["metrics"] |= {name: [value] for name, value in compared.items()}
        return output

    def prepare_model_outputs(self, output: Any, output_args: Any, micro_batch: Any, *args: Any, **kwargs: Any) -> Any:
        """Return log-probabilities and, for the log, entropies without gradient, of each token of the sequences."""
        outputs = super().prepare_model_outputs(output, output_args, micro_batch, *args, **kwargs)  # type: ignore[misc]
        if _own(micro_batch) and "entropy" not in outputs:
            outputs["entropy"] = self._entropies(output.logits, output_args, micro_batch)
        return outputs

    def _entropies(self, logits: Any, output_args: Any, micro_batch: Any) -> Any:
        import torch

        from verl_visual_rft.training.engine.log_probs import token_entropies

        entropies = token_entropies(logits, micro_batch["temperature"])
        ends = micro_batch["input_ids"].offsets()
        if micro_batch["use_remove_padding"]:
            engine: Any = self
            packed = engine._gather_and_unpad_packed(entropies.squeeze(0), output_args["pad_size"])
        else:
            packed = torch.cat([row[:length] for row, length in zip(entropies, ends.diff(), strict=True)])
        return torch.nested.nested_tensor_from_jagged(packed, ends)


def compare_with_rollout(log_probs: Any, data: Any) -> dict[str, float]:
    """Compare log-probabilities of an update with those that vLLM sampled by: veRL's ``training/``, ``rollout_corr/``.

    Args:
        log_probs: Of all tokens of the sequences, nested.
        data: The update's, with ``response_mask``, ``responses`` and ``rollout_log_probs``.
    """
    from verl.protocol import DataProto
    from verl.trainer.ppo.rollout_corr_helper import compute_rollout_corr_metrics_from_logprobs
    from verl.utils.debug.metrics import calculate_debug_metrics
    from verl.workers.utils.padding import no_padding_2_padding

    columns = data.select("response_mask", "responses", "rollout_log_probs").to_padded_tensor()
    columns["old_log_probs"] = no_padding_2_padding(log_probs, data).float()
    compared: dict[str, float] = calculate_debug_metrics(DataProto(batch=columns))
    if columns["response_mask"].any():
        compared |= compute_rollout_corr_metrics_from_logprobs(
            columns["old_log_probs"], columns["rollout_log_probs"], columns["response_mask"]
        )
    return compared


def _own(data: Any) -> bool:
    from verl.utils import tensordict_utils

    return bool(tensordict_utils.get_non_tensor_data(data=data, key=OWN_LOG_PROBS, default=False))


def _with_own_log_probs(loss_function: Callable[..., Any], model_output: Any, data: Any, **kwargs: Any) -> Any:
    from verl.workers.utils.padding import no_padding_2_padding

    data = data.copy()
    data["old_log_probs"] = no_padding_2_padding(model_output["log_probs"].detach(), data)
    return loss_function(model_output=model_output, data=data, **kwargs)
