# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's torchrun on one node, listening on the loopback: ``python -m verl_visual_rft.launching.torchrun ...``.

torchrun itself listens everywhere and unpickles what anybody writes to its store; see `launching.loopback`.
"""

from __future__ import annotations

import sys

from verl_visual_rft.launching.loopback import LOOPBACK, keep_stores_on_loopback, set_environment


def main() -> None:
    """Run torchrun with the arguments of the command line."""
    set_environment()
    import torch.distributed  # noqa: F401

    keep_stores_on_loopback(sys.modules["torch.distributed.rendezvous"])
    from torch.distributed.run import main as torchrun

    torchrun(["--standalone", f"--local-addr={LOOPBACK}", *sys.argv[1:]])


if __name__ == "__main__":
    main()
