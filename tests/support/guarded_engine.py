# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""An engine of one weight whose updates are guarded."""

import json
import math

import torch

from verl_visual_rft.training.guards.non_finite import GuardedUpdates, NonFiniteError


class Engine:
    """What `GuardedUpdates` needs of an engine, on one weight."""

    scaler = None

    def __init__(self):
        self.module = torch.nn.Linear(1, 1, bias=False)
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=1.0)
        self.steps = 0

    def forward_backward_batch(self, data, loss_function, forward_only=False):
        for micro_batch in data:
            loss, _ = self.forward_step(micro_batch, loss_function, forward_only)
            loss.backward()

    def forward_step(self, micro_batch, loss_function, forward_only):
        loss = loss_function(self.module(micro_batch["x"]))
        return loss, {"loss": loss.item()}

    def optimizer_step(self):
        norm = self.module.weight.grad.norm()
        torch.distributed.all_reduce(norm)  # that of all ranks, as FSDP's is
        if torch.isfinite(norm):
            self.steps += 1
        return norm.item()


class Guarded(GuardedUpdates, Engine):
    pass


def micro_batch(value, token):
    ids = torch.nested.as_nested_tensor([torch.tensor([token, token])], layout=torch.jagged)
    return {"x": torch.tensor([[value]]), "input_ids": ids, "advantages": torch.ones(1, 1)}


def stop_together(folder):
    """Rank 1 has what is not finite in its second micro-batch; both must stop, with its row."""
    torch.distributed.init_process_group("gloo")
    rank = torch.distributed.get_rank()
    seen = {}
    for case, loss_function, bad in (("loss", torch.sum, math.inf), ("gradient", lambda y: y.sum().abs().sqrt(), 0.0)):
        engine = Guarded()
        torch.nn.init.ones_(engine.module.weight)
        last = bad if rank == 1 else 1.0
        engine.forward_backward_batch([micro_batch(1.0, 10 * rank), micro_batch(last, 10 * rank + 1)], loss_function)
        try:
            engine.optimizer_step()
        except NonFiniteError as error:
            seen[case] = {"what": str(error), "rows": error.rows, "steps": engine.steps}
    (folder / f"{rank}.json").write_text(json.dumps(seen))
    torch.distributed.destroy_process_group()
