# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from verl_visual_rft.launching.run_log import last_error


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all is well", None),
        ("ValueError: a\nKeyError: 'b'\n", "KeyError: 'b'"),
        ("\x1b[36m(TaskRunner pid=7)\x1b[0m torch.cuda.OutOfMemoryError: full\n", "torch.cuda.OutOfMemoryError: full"),
        ("ValueError: the cause\nray.exceptions.RayTaskError: wrapped\n", "ValueError: the cause"),
        (
            "(vLLMHttpServer pid=3) (EngineCore pid=9) RuntimeError: Insufficient space in /dev/shm\n"
            "(a pid=3) RuntimeError: Engine core initialization failed. See root cause above. Failed: {}\n",
            "RuntimeError: Insufficient space in /dev/shm",
        ),
        (
            "(a pid=3) (EngineCore_DP0 pid=9) ERROR 11-28 23:11:26 [core.py:12] torch.OutOfMemoryError: CUDA full\n"
            "(a pid=3) vllm.v1.engine.exceptions.EngineDeadError: EngineCore had an issue. See stack trace above\n",
            "torch.OutOfMemoryError: CUDA full",
        ),
        *(
            (
                f"(a pid=3) (Worker_TP1 pid=9) ERROR 11-28 23:11:26 [x.py:1] OSError: cause\n(a pid=3) {says}\n",
                "OSError: cause",
            )
            for says in (
                "Exception: WorkerProc initialization failed due to an exception in a background process. See stack "
                "trace for root cause.",
                "RuntimeError: Worker failed with error 'OSError: cause', please check the stack trace above for the "
                "root cause",
                "RuntimeError: EngineCore encountered an issue. See stack trace (above) for the root cause.",
            )
        ),
        ("(a pid=1) (b pid=2) (c pid=3) ValueError: three\n", "ValueError: three"),
        ("ERROR 11-28 23:11:26 [utils.py:1] OSError: no prefix\n", "OSError: no prefix"),
        ("EngineDeadError: nothing else is known\n", "EngineDeadError: nothing else is known"),
        (
            "x.ActorDiedError: It died.\n\tclass_name: Trainer\n\tpid: 7\n",
            "x.ActorDiedError: It died. class_name: Trainer",
        ),
    ],
)
def test_last_error(text, expected):
    assert last_error(text) == expected
