# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Stages of a run's folder: what is reused, what goes on, what is refused, what is left out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from verl_visual_rft.errors import UserError, system_errors_are_the_users
from verl_visual_rft.runs.stages import Stage, Stages, lock_output

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs stages in a folder, ``tmp_path`` if none is said, and returns what was printed."""

    def run(*stages: Stage, output: Path = tmp_path, kinds: Sequence[str] = ()) -> str:
        with lock_output(output) as lock:
            runner = Stages(output, len(stages), ROOT, {}, kinds, kept=[lock])
            for stage in stages:
                runner.run(stage)
        return capfd.readouterr().out

    return run


def shell(script: str, *words: object, name: str = "work", title: str = "title", **fields: object) -> Stage:
    """A stage that runs a script; what follows are its $1, $2, ..., and the settings that decide its result."""
    return Stage(name, title, ("bash", "-c", script, "bash", *map(str, words)), **fields)


def test_a_finished_stage_is_reused_and_says_so(run, tmp_path):
    stage = Stage("first", "the first", ("touch", f"{tmp_path}/made"))
    assert run(stage) == "[1/1] the first\n"
    (tmp_path / "made").unlink()
    assert run(stage) == "[1/1] the first: done before, reused\n"
    assert not (tmp_path / "made").exists()


def test_another_command_runs_again_and_so_does_all_after_it(run):
    second = Stage("second", "the second", ("echo", "same"))
    run(Stage("first", "the first", ("echo", "a")), second)
    assert "reused" not in run(Stage("first", "the first", ("echo", "b")), second)


def failing(folder: Path) -> Path:
    """While this file is there, the stages of `WORK` and `TRAIN` fail."""
    return folder / "fails"


#: Appends its first word to work/log in the folder before it, and fails where `failing` is there.
WORK = 'mkdir -p "$0/work" && echo "$1" >> "$0/work/log" && ! [ -e "$0/fails" ]'


def working(folder: Path, *words: object) -> Stage:
    return Stage("work", "title", ("bash", "-c", WORK, str(folder), *map(str, words)))


def test_a_stage_that_failed_ends_with_its_status_and_goes_on_with_what_it_had(run, tmp_path):
    failing(tmp_path).touch()
    with pytest.raises(SystemExit, match="1"):
        run(working(tmp_path, "x"))
    failing(tmp_path).unlink()
    run(working(tmp_path, "x"))
    assert (tmp_path / "work/log").read_text() == "x\nx\n"


def test_answers_made_with_other_settings_are_kept(run, tmp_path):
    script = 'echo "$1" >> "$0/a.jsonl"; echo "of $1" > "$0/a.meta.json"; ! [ -e "$0/fails" ]'

    def answers(model: str) -> str:
        command = ("bash", "-c", script, str(tmp_path), model)
        return run(Stage("predict", "answers", command, answers=tmp_path / "a.jsonl"))

    failing(tmp_path).touch()
    with pytest.raises(SystemExit):
        answers("x")
    failing(tmp_path).unlink()
    said = [answers(model) for model in ("x", "y", "y", "z")][-1]
    assert f"{tmp_path}/a.jsonl was made with other settings: kept as {tmp_path}/a.2.jsonl\n" in said
    texts = {file.name: file.read_text() for file in tmp_path.glob("a.*")}
    assert texts == {
        **{"a.1.jsonl": "x\nx\n", "a.2.jsonl": "y\n", "a.jsonl": "z\n"},  # the first was interrupted, and went on
        **{"a.1.meta.json": "of x\n", "a.2.meta.json": "of y\n", "a.meta.json": "of z\n"},
    }


SIGNALLED = """
import signal, sys, time
from pathlib import Path
for name in ("SIGTERM", "SIGINT", "SIGHUP"):
    signal.signal(getattr(signal, name), lambda number, frame: (Path(sys.argv[1]).write_text(str(number)), sys.exit(7)))
Path(sys.argv[1]).write_text("ready")
time.sleep(60)
"""
STARTER = """
import sys
from pathlib import Path
from verl_visual_rft.runs.stages import Stage, Stages
Stages(Path(sys.argv[1]), 1, Path("/"), {}).run(Stage("work", "work", tuple(sys.argv[2:])))
print("not reached")
"""


@pytest.mark.parametrize(
    ("sent", "got"), [("SIGTERM", signal.SIGTERM), ("SIGINT", signal.SIGINT), ("SIGHUP", signal.SIGTERM)]
)
@pytest.mark.parametrize("ignored", [False, True], ids=["", "in the background"])
def test_a_run_passes_signals_to_its_stage_and_ends_with_its_status(tmp_path, sent, got, ignored):
    file = tmp_path / "signal"
    command = [sys.executable, "-c", SIGNALLED, str(file)]
    started = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path / "run"), *command],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.SIG_DFL),
    )
    while not (file.exists() and file.read_text() == "ready"):
        assert started.poll() is None
        time.sleep(0.02)
    started.send_signal(getattr(signal, sent))
    said, _ = started.communicate(timeout=60)
    assert started.returncode == 7 and "not reached" not in said
    assert file.read_text() == str(int(got))


def test_a_stage_that_a_signal_ends_has_the_status_of_a_shell(run):
    with pytest.raises(SystemExit) as ended:
        run(shell("kill -KILL $$"))
    assert ended.value.code == 128 + signal.SIGKILL


def test_what_was_removed_is_made_anew_and_so_is_all_after_it_but_nothing_beside_it(run, tmp_path):
    def making(name: str, **fields: str) -> Stage:
        script = 'mkdir -p "$0/$1" && echo x >> "$0/runs.$1"'
        return Stage(name, name, ("bash", "-c", script, str(tmp_path), name), **fields)

    stages = (
        making("data"),
        making("answers"),
        making("training", after="data"),
        Stage("export", "export", ("echo", "exported")),
    )
    run(*stages)
    shutil.rmtree(tmp_path / "answers")
    assert "training: done before, reused" in run(*stages)
    shutil.rmtree(tmp_path / "training")
    said = run(*stages)
    assert "answers: done before, reused" in said and "\nexported\n" in said
    runs = {name: len((tmp_path / f"runs.{name}").read_text().split()) for name in ("data", "answers", "training")}
    assert runs == {"data": 1, "answers": 2, "training": 2}


#: Makes data/ in the folder before it, with a manifest as those of data preparation.
PREPARE = """
import json, sys
from pathlib import Path
from verl_visual_rft.datasets.manifest import Manifest
folder = Path(sys.argv[1], "data")
folder.mkdir(exist_ok=True)
(folder / "train.parquet").write_text("rows")
content = dict.fromkeys(Manifest.__required_keys__, {}) | {"files": {"train.parquet": {}}}
(folder / "manifest.json").write_text(json.dumps(content))
"""


@pytest.mark.parametrize("lost", ["train.parquet", "manifest.json"])
def test_data_that_lost_a_file_is_prepared_again(run, tmp_path, lost):
    stage = Stage("data", "data", ("python", "-c", PREPARE, str(tmp_path)), is_data=True)
    run(stage)
    assert "done before, reused" in run(stage)
    (tmp_path / "data" / lost).unlink()
    assert run(stage) == "[1/1] data\n"
    assert (tmp_path / "data" / lost).is_file()


#: A training into rft/ of the folder before it, whose last checkpoint is that of the file `last`, else of step 60.
TRAIN = (
    'mkdir -p "$0/rft/checkpoints/global_step_$(cat "$0/last" 2> /dev/null || echo 60)" '
    '&& echo x >> "$0/rft/log" && ! [ -e "$0/fails" ]'
)


def training(output: Path, override: str = "", steps: object = 60, data: str = "seed=0") -> list[Stage]:
    words = (f"--steps={steps}", "lr=1", f"trainer.total_training_steps={steps}", *([override] if override else []))
    return [
        Stage("data", "data", ("echo", data)),
        Stage("rft", "training", ("bash", "-c", TRAIN, str(output), *words)),
        Stage("rft_export", "export", ("echo", f"{output}/rft/hf")),
    ]


def starts(output: Path) -> int:
    return len((output / "rft" / "log").read_text().splitlines())


def test_a_longer_training_that_fails_leaves_the_shorter_one(run, tmp_path):
    run(*training(tmp_path))
    (tmp_path / "last").write_text("80")
    failing(tmp_path).touch()
    with pytest.raises(SystemExit):
        run(*training(tmp_path, steps=100))
    assert "training: done before, reused" in run(*training(tmp_path))
    with pytest.raises(UserError, match="trainer.total_training_steps=70 instead of"):
        run(*training(tmp_path, steps=70))
    failing(tmp_path).unlink()
    assert "goes on" in run(*training(tmp_path, steps=90))


def test_changes_are_said_with_their_names(run, tmp_path):
    run(working(tmp_path, *"--rows 200 --val 100 --seed 0 lr=1".split()))
    with pytest.raises(UserError, match="--rows 100 --val 200 lr=2 instead of --rows 200 --val 100 lr=1"):
        run(working(tmp_path, *"--rows 100 --val 200 --seed 0 lr=2".split()))
    stamp = tmp_path / ".stages/work.begun"
    stamp.write_text(stamp.read_text().splitlines()[0][::-1] + "\n")  # one line, as earlier versions wrote it
    with pytest.raises(UserError, match="those of an earlier version, which are not known"):
        run(working(tmp_path, "--rows", "5"))


@pytest.mark.parametrize(
    "override",
    [
        "trainer.logger=[console]",
        "trainer.experiment_name=a",
        "trainer.save_freq=5",
        "trainer.n_gpus_per_node=2",
        "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=2",
        "actor_rollout_ref.actor.fsdp_config.param_offload=true",
        "actor_rollout_ref.rollout.gpu_memory_utilization=0.4",
        "+ray_kwargs.ray_init.num_cpus=4",
    ],
)
def test_a_setting_without_effect_on_the_result_changes_nothing_that_is_done(run, tmp_path, override):
    run(*training(tmp_path))
    said = run(*training(tmp_path, override))
    assert starts(tmp_path) == 1
    shown = override.replace("[", "\\[").replace("]", "\\]")
    assert f"training: done before, reused; without effect on it: {shown} instead of nothing\n" in said
    assert "export: done before, reused\n" in said


@pytest.mark.parametrize("override", ["trainer.logger=[console]", "trainer.test_freq=5"])
def test_an_interrupted_training_goes_on_with_a_setting_without_effect_and_says_so(run, tmp_path, override):
    run(*training(tmp_path))
    (tmp_path / ".stages" / "rft.done").unlink()
    said = run(*training(tmp_path, override))
    assert starts(tmp_path) == 2
    assert "training: goes on, with trainer." in said and "instead of nothing" in said


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"override": "lr=2"}, "lr=2 instead of nothing"),
        ({"override": "data.seed=1"}, "data.seed=1 instead of nothing"),
        ({"override": "data.train_files=a"}, "data.train_files=a instead of nothing"),
        ({"steps": 40}, "--steps=40 trainer.total_training_steps=40 instead of --steps=60 trainer.total"),
        ({"steps": "null"}, "trainer.total_training_steps=null instead of"),
        ({"data": "seed=1"}, "what it is made from was another"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_what_was_made_with_other_settings_is_kept_and_both_ways_are_named(run, tmp_path, change, named, finished):
    run(*training(tmp_path))
    (tmp_path / "rft" / "checkpoint").touch()
    if not finished:
        (tmp_path / ".stages" / "rft.done").unlink()
    with pytest.raises(UserError) as refused:
        run(*training(tmp_path, **change))
    (line,) = str(refused.value).splitlines()
    assert named in line and "set OUTPUT_DIR to another folder, or remove" in line
    assert (tmp_path / "rft" / "checkpoint").exists() and starts(tmp_path) == 1
    run(*training(tmp_path))  # the earlier settings
    assert starts(tmp_path) == (1 if finished else 2)


def test_a_training_goes_on_to_more_steps_and_what_follows_is_made_again(run, tmp_path):
    run(*training(tmp_path))
    said = run(*training(tmp_path, steps=80))
    assert starts(tmp_path) == 2 and "goes on, with --steps=80" in said
    assert "export: done before" not in said
    assert run(*training(tmp_path, steps=80)).count("done before, reused") == 3


def test_what_is_removed_by_hand_is_made_anew(run, tmp_path):
    failing(tmp_path).touch()
    with pytest.raises(SystemExit):
        run(working(tmp_path, "x"))
    failing(tmp_path).unlink()
    with pytest.raises(UserError, match="made with other settings"):
        run(working(tmp_path, "y"))
    shutil.rmtree(tmp_path / "work")
    run(working(tmp_path, "y"))
    assert (tmp_path / "work" / "log").read_text() == "y\n"


@pytest.mark.parametrize("name", ["work", "work/model.safetensors"])
def test_what_no_stage_began_is_refused_and_both_ways_are_named(run, tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("the user's")
    with pytest.raises(UserError) as refused:
        run(shell('rm -r "$1"', tmp_path / "work"))
    (line,) = str(refused.value).splitlines()
    assert "was not made by a run" in line
    assert "set OUTPUT_DIR to another folder, or move or remove" in line
    assert file.read_text() == "the user's" and not list((tmp_path / ".stages").iterdir())


def test_an_empty_folder_is_nobodys(run, tmp_path):
    (tmp_path / "work").mkdir()
    run(working(tmp_path, "x"))
    assert (tmp_path / "work/log").read_text() == "x\n"


@pytest.mark.parametrize("kept", ["begun", "done"])
def test_what_an_older_version_recorded_is_a_runs_own(run, tmp_path, kept):
    run(working(tmp_path, "x"))
    for file in (tmp_path / ".stages").iterdir():
        if file.suffix != f".{kept}":
            file.unlink()
    assert "was not made by" not in run(working(tmp_path, "x"))


def test_answers_that_no_stage_asked_for_are_kept(run, tmp_path):
    (tmp_path / "a.jsonl").write_text("the user's")
    run(shell('echo ours > "$1"', tmp_path / "a.jsonl", answers=tmp_path / "a.jsonl"))
    assert [(tmp_path / name).read_text() for name in ("a.jsonl", "a.1.jsonl")] == ["ours\n", "the user's"]


def test_a_folder_that_was_moved_is_still_what_it_was(run, tmp_path):
    run(*training(tmp_path / "a"), output=tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    assert run(*training(tmp_path / "b"), output=tmp_path / "b").count("done before, reused") == 3


def test_the_seconds_of_a_stage_are_written_beside_its_key(run, tmp_path):
    run(shell("true", name="first"))
    key, seconds, _ = (tmp_path / ".stages" / "first.done").read_text().split()
    assert len(key) == 64 and int(seconds) < 30


def test_a_folder_takes_one_run_at_a_time(tmp_path):
    with lock_output(tmp_path), pytest.raises(UserError, match="is being written by another process"):
        with lock_output(tmp_path):
            pass
    with lock_output(tmp_path):
        pass


def test_a_file_in_the_place_of_a_runs_records_is_one_line(tmp_path):
    (tmp_path / ".stages").touch()
    with pytest.raises(UserError, match=r"\.stages: File exists; mend that"), system_errors_are_the_users():
        with lock_output(tmp_path):
            pass


def test_a_stage_holds_the_lock_when_its_run_was_killed(tmp_path):
    with lock_output(tmp_path) as lock:
        stage = subprocess.Popen(["sleep", "60"], pass_fds=[lock])
    try:
        with pytest.raises(UserError, match="is being written"), lock_output(tmp_path):
            pass
    finally:
        stage.kill()
        stage.wait()


def chain(output: Path) -> tuple[Stage, Stage]:
    return (
        Stage("first", "the first", ("touch", f"{output}/made"), "data"),
        Stage("second", "the second", ("echo", 'a "quoted" word'), "train"),
    )


def test_a_stage_that_is_left_out_counts_as_done_only_where_it_is(run, tmp_path):
    with pytest.raises(UserError, match="STAGES=train builds on the stage 'first'"):
        run(*chain(tmp_path), kinds=["train"])
    run(*chain(tmp_path), kinds=["data"])
    assert run(*chain(tmp_path), kinds=["train"]) == '[2/2] the second\na "quoted" word\n'
    assert run(*chain(tmp_path)).count("reused") == 2  # the same keys as with all stages


def test_what_is_made_anew_after_a_stage_that_is_left_out(run, tmp_path):
    """What has no folder of its own was made of what was there before."""
    data = shell('mkdir -p "$1"', tmp_path / "data", name="data", kind="data")
    training = shell('mkdir -p "$1"', tmp_path / "training", name="training", kind="train")
    export = Stage("export", "export", ("echo", "exported"), "export")
    run(data, training, export)
    shutil.rmtree(tmp_path / "data")
    assert "exported" in run(data, training, export, kinds=["data", "export"])


def test_a_stage_says_its_command_as_json(tmp_path):
    first, second = (json.loads(stage.as_json()) for stage in chain(tmp_path))
    assert first == {"stage": "first", "title": "the first", "command": ["touch", f"{tmp_path}/made"]}
    assert second["command"] == ["echo", 'a "quoted" word']


def test_a_failed_stage_with_a_log_shows_its_end(run, tmp_path, capfd):
    stage = shell("printf '%s\n' 1 2 3 reason >&2; exit 3", title="the first", log=tmp_path / "logs/work.log")
    with pytest.raises(UserError) as failed:
        run(stage)
    assert str(failed.value) == f"the first failed; the whole log: {tmp_path}/logs/work.log"
    assert capfd.readouterr().err == "2\n3\nreason\n"


@pytest.mark.parametrize("status", [130, 143])
def test_a_stage_that_was_asked_to_end_does_not_point_at_its_log(run, tmp_path, capfd, status):
    with pytest.raises(SystemExit) as ended:
        run(shell(f"echo reason >&2; exit {status}", log=tmp_path / "log.txt"))
    assert ended.value.code == status and capfd.readouterr().err == ""


def test_output_and_log_are_kept_in_files(run, tmp_path):
    stage = shell("echo out; echo err >&2", output=tmp_path / "out.txt", log=tmp_path / "log.txt")
    assert run(stage) == "[1/1] title\n"
    assert [(tmp_path / name).read_text() for name in ("out.txt", "log.txt")] == ["out\n", "err\n"]


def test_what_is_made_anew_each_time_is_never_reused(run):
    stage = Stage("report", "the report", ("echo", "made"), always=True)
    assert [run(stage) for _ in range(2)] == ["[1/1] the report\nmade\n"] * 2


def test_the_environments_programs_are_found_first(run):
    said = run(shell('command -v python; echo "$PWD"'))
    assert said.splitlines()[1:] == [os.path.join(os.path.dirname(sys.executable), "python"), str(ROOT)]
