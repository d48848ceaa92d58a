# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from checkpoint_folders import HALF_WRITTEN, write_checkpoint  # noqa: E402

from verl_visual_rft.errors import UserError  # noqa: E402
from verl_visual_rft.training.checkpoints.folders import complete_checkpoints, latest  # noqa: E402
from verl_visual_rft.training.checkpoints.saving import writing  # noqa: E402

#: Whatever changes files; a kill before each of them.
FILE_OPERATIONS = {HALF_WRITTEN, "open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate"}


def steps_in(root: Path) -> list[int]:
    return [checkpoint.step for checkpoint in complete_checkpoints(root)]


def save_step(root: Path, step: int, keep: int | None, spare: frozenset[int] = frozenset()) -> None:
    with writing(root, step, keep, spare) as partial:
        write_checkpoint(partial, step)


def save_and_die(root: Path, step: int, keep: int, spare: frozenset[int], after: int) -> bool:
    """Save in another process that is ended before its file operation number ``after``; whether it was."""
    child = os.fork()
    if child == 0:
        left = after

        def end_at_the_last(event, arguments):
            nonlocal left
            if event in FILE_OPERATIONS:
                left -= 1
                if left < 0:
                    os._exit(9)

        sys.addaudithook(end_at_the_last)
        try:
            save_step(root, step, keep, spare)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize(
    ("keep", "spare", "before"),
    [
        pytest.param(1, frozenset(), [1, 2], marks=pytest.mark.long),
        pytest.param(2, frozenset(), [1, 2, 3], marks=pytest.mark.long),
        pytest.param(1, frozenset({1}), [1, 2], marks=pytest.mark.long),
        (3, frozenset(), []),
    ],
)
@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_whole_checkpoints_and_the_next_start_goes_on(tmp_path, keep, spare, before):
    step, killed = max(before, default=0) + 1, 0
    while True:
        root = tmp_path / str(killed)
        for earlier in before:  # of an earlier process
            write_checkpoint(root, earlier)
        if not save_and_die(root, step, keep, spare, after=killed):
            break
        named = {int(path.name.rpartition("_")[2]) for path in root.glob("global_step_*")}
        assert set(steps_in(root)) == named  # complete or invisible
        for path in root.glob("global_step_*/**/*.pt"):
            assert torch.load(path)["step"] == int(path.relative_to(root).parts[0].rpartition("_")[2])
        if before:
            assert latest(root).step >= before[-1]
            assert spare <= set(steps_in(root))
        save_step(root, max(named, default=0) + 1, keep, spare)
        assert steps_in(root)[-1] == max(named, default=0) + 1
        assert not (root / "partial").exists()
        killed += 1
    assert killed > 30  # file operations of one save
    assert steps_in(root) == sorted({*spare, *[*before, step][-keep:]})


@pytest.mark.parametrize(
    ("keep", "spare", "left"),
    [(None, (), [1, 2, 3, 4]), (1, (), [4]), (2, (), [3, 4]), (2, (1,), [1, 3, 4]), (2, (4,), [3, 4])],
)
def test_rotation_counts_whole_checkpoints_and_spares_the_best(tmp_path, keep, spare, left):
    for step in (1, 2, 3, 4):
        save_step(tmp_path, step, keep, frozenset(spare))
    assert steps_in(tmp_path) == left
    assert {path.name for path in tmp_path.iterdir()} == {
        *(f"global_step_{step}" for step in left),
        "latest_checkpointed_iteration.txt",
    }


def test_room_is_made_before_the_next_checkpoint_is_written_but_never_the_last_taken(tmp_path):
    for step in (1, 2, 3):
        write_checkpoint(tmp_path, step)
    with writing(tmp_path, 4, keep=2) as partial:
        assert steps_in(tmp_path) == [3]
        write_checkpoint(partial, 4)
    with writing(tmp_path, 5, keep=1) as partial:
        assert steps_in(tmp_path) == [4]
        write_checkpoint(partial, 5)
    assert steps_in(tmp_path) == [5]


def test_plain_veRL_finds_what_was_written(tmp_path):
    manager = pytest.importorskip("verl.utils.checkpoint.checkpoint_manager", reason="verl is not installed")
    save_step(tmp_path, 7, None)
    assert manager.find_latest_ckpt_path(str(tmp_path)) == str(tmp_path / "global_step_7")


def test_what_is_incomplete_under_the_same_name_is_replaced(tmp_path):
    (write_checkpoint(tmp_path, 1) / "data.pt").unlink()
    save_step(tmp_path, 1, None)
    assert steps_in(tmp_path) == [1]


def test_a_full_disk_is_one_line_and_the_run_can_go_on(tmp_path):
    save_step(tmp_path, 1, 1)
    full = r"of step 2 could not be written \(.*No space left on device.*; \d+ MiB were free\), .*that of step 1"
    with pytest.raises(UserError, match=full) as caught, writing(tmp_path, 2, 1) as partial:
        (write_checkpoint(partial, 2) / "data.pt").unlink()
        raise OSError(errno.ENOSPC, "No space left on device", "data.pt")
    assert "\n" not in str(caught.value)
    assert steps_in(tmp_path) == [1]
    assert not (tmp_path / "partial").exists()
    save_step(tmp_path, 2, 1)
    assert steps_in(tmp_path) == [2]


def test_what_a_ray_worker_raised_is_named_by_its_own_words(tmp_path):
    exceptions = pytest.importorskip("ray.exceptions", reason="ray is not installed")
    raised = exceptions.RayTaskError("save_checkpoint", "Traceback\n  lines\n", OSError(errno.ENOSPC, "No space left"))
    with pytest.raises(UserError, match=r"step 1 could not be written \(\[Errno 28\] No space left;"):
        with writing(tmp_path / "new", 1, None):
            raise raised.as_instanceof_cause()


def test_a_real_full_disk(tmp_path):
    """A file system of 2 MiB, in a mount namespace of a process of its own."""
    mount = f"mount -t tmpfs -o size=2m tmpfs {tmp_path} && exec {sys.executable} {__file__} {tmp_path}"
    namespace = ["unshare", "--mount", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*namespace, "true"], capture_output=True).returncode != 0:
        pytest.skip("no mount namespaces for this user")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*namespace, "sh", "-c", mount], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "No space left on device; 0 MiB were free" in done.stdout
    assert done.stdout.endswith("[1, 3]\n")


def _fill_the_disk(root: Path) -> None:
    save_step(root, 1, None)
    try:
        with writing(root, 2, None) as partial:
            write_checkpoint(partial, 2)
            (partial / "global_step_2" / "more").write_bytes(bytes(4 * 2**20))
    except UserError as error:
        print(error)
    save_step(root, 3, None)
    print(steps_in(root))


if __name__ == "__main__":
    _fill_the_disk(Path(sys.argv[1]))
