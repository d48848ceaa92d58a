# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`stage` and `lock_output` of the recipes: what is reused, what goes on, what is refused, what is left out."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


WORK = """
work() {{ mkdir -p "$OUTPUT_DIR/work"; echo "$1" >> "$OUTPUT_DIR/work/log"; {end}; }}
stage work title work {argument}
"""

CHAIN = """
STAGE_KIND=data; stage first 'the first' touch "$OUTPUT_DIR/made"
STAGE_KIND=train; stage second 'the second' echo 'a "quoted" word'
"""


def recipe(output: Path, body: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = f"set -euo pipefail\nSTAGE_COUNT=2\nsource recipes/common.sh\nlock_output\n{body}"
    variables = os.environ | {"OUTPUT_DIR": str(output)} | environment
    return subprocess.run(["bash", "-c", script], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60)


def test_a_finished_stage_is_reused_and_says_so(tmp_path):
    body = "stage first 'the first' touch \"$OUTPUT_DIR/made\""
    assert "reused" not in recipe(tmp_path, body).stdout
    (tmp_path / "made").unlink()
    assert "[1/2] the first: done before, reused" in recipe(tmp_path, body).stdout
    assert not (tmp_path / "made").exists()


def test_another_command_runs_again_and_so_does_all_after_it(tmp_path):
    body = "stage first 'the first' echo {}\nstage second 'the second' echo same"
    recipe(tmp_path, body.format("a"))
    again = recipe(tmp_path, body.format("b")).stdout
    assert "reused" not in again


def test_a_stage_that_failed_goes_on_with_what_it_had(tmp_path):
    assert recipe(tmp_path, WORK.format(end="false", argument="x")).returncode != 0
    assert recipe(tmp_path, WORK.format(end="true", argument="x")).returncode == 0
    assert (tmp_path / "work" / "log").read_text() == "x\nx\n"


def test_answers_made_with_other_settings_are_kept(tmp_path):
    body = """
answer() {{ echo "$1" >> "$OUTPUT_DIR/a.jsonl"; echo "of $1" > "$OUTPUT_DIR/a.meta.json"; {end}; }}
STAGE_ANSWERS=$OUTPUT_DIR/a.jsonl stage predict answers answer {model}
"""
    for end, model in (("false", "x"), ("true", "x"), ("true", "y"), ("true", "y"), ("true", "z")):
        done = recipe(tmp_path, body.format(end=end, model=model))
    assert f"{tmp_path}/a.jsonl was made with other settings: kept as {tmp_path}/a.2.jsonl" in done.stdout
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


@pytest.mark.parametrize(
    ("sent", "got"), [("SIGTERM", signal.SIGTERM), ("SIGINT", signal.SIGINT), ("SIGHUP", signal.SIGTERM)]
)
def test_a_recipe_passes_signals_to_its_stage_and_ends_with_its_status(tmp_path, sent, got):
    file = tmp_path / "signal"
    body = f"stage work work {sys.executable} -c {shlex.quote(SIGNALLED)} {file}\necho not reached"
    script = f"set -euo pipefail\nsource recipes/common.sh\nlock_output\n{body}"
    started = subprocess.Popen(
        ["bash", "-c", script],
        cwd=ROOT,
        env=os.environ | {"OUTPUT_DIR": str(tmp_path / "run")},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # else bash lets nobody trap it
    )
    while not (file.exists() and file.read_text() == "ready"):
        assert started.poll() is None
        time.sleep(0.05)
    started.send_signal(getattr(signal, sent))
    said, _ = started.communicate(timeout=60)
    assert started.returncode == 7 and "not reached" not in said
    assert file.read_text() == str(int(got))


def test_what_was_removed_is_made_anew_and_so_is_all_after_it_but_nothing_beside_it(tmp_path):
    body = """
work() { mkdir -p "$OUTPUT_DIR/$1"; echo x >> "$OUTPUT_DIR/runs.$1"; }
stage data data work data
answers() { local STAGE_KEY=$STAGE_KEY STAGE_RAN=$STAGE_RAN; stage answers answers work answers; }
answers
stage training training work training
stage export export echo exported
"""
    recipe(tmp_path, body)
    shutil.rmtree(tmp_path / "answers")
    assert "training: done before, reused" in recipe(tmp_path, body).stdout
    shutil.rmtree(tmp_path / "training")
    said = recipe(tmp_path, body).stdout
    assert "answers: done before, reused" in said and "exported" in said
    runs = {name: len((tmp_path / f"runs.{name}").read_text().split()) for name in ("data", "answers", "training")}
    assert runs == {"data": 1, "answers": 2, "training": 2}


def test_a_longer_training_that_fails_leaves_the_shorter_one(tmp_path):
    body = """
train() {{ mkdir -p "$OUTPUT_DIR/rft/checkpoints/global_step_{last}"; {end}; }}
stage rft training train trainer.total_training_steps={steps}
"""
    recipe(tmp_path, body.format(end="true", steps=60, last=60))
    assert recipe(tmp_path, body.format(end="false", steps=100, last=80)).returncode != 0
    assert "done before, reused" in recipe(tmp_path, body.format(end="false", steps=60, last=60)).stdout
    refused = recipe(tmp_path, body.format(end="true", steps=70, last=70))
    assert refused.returncode != 0 and "trainer.total_training_steps=70 instead of" in refused.stderr
    assert recipe(tmp_path, body.format(end="true", steps=90, last=90)).returncode == 0


def test_changes_are_said_with_their_names(tmp_path):
    body = 'work() {{ mkdir -p "$OUTPUT_DIR/work"; }}\nstage work work work {}'
    recipe(tmp_path, body.format("--rows 200 --val 100 --seed 0 lr=1"))
    refused = recipe(tmp_path, body.format("--rows 100 --val 200 --seed 0 lr=2")).stderr
    assert "--rows 100 --val 200 lr=2 instead of --rows 200 --val 100 lr=1" in refused
    stamp = tmp_path / ".stages/work.begun"
    stamp.write_text(stamp.read_text().splitlines()[0][::-1] + "\n")  # one line, as earlier versions wrote it
    assert "those of an earlier version, which are not known" in recipe(tmp_path, body.format("--rows 5")).stderr


TRAIN = """
train() {{ mkdir -p "$OUTPUT_DIR/rft/checkpoints/global_step_60"; echo "$*" >> "$OUTPUT_DIR/rft/log"; }}
stage data data echo {data}
stage rft training train --steps={steps} lr=1 trainer.total_training_steps={steps} {override}
stage rft_export export echo "$OUTPUT_DIR/rft/hf"
"""


def training(output: Path, override: str = "", steps: int = 60, data: str = "seed=0"):
    return recipe(output, TRAIN.format(data=data, steps=steps, override=override))


def starts(output: Path) -> int:
    return len((output / "rft" / "log").read_text().splitlines())


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
def test_a_setting_without_effect_on_the_result_changes_nothing_that_is_done(tmp_path, override):
    training(tmp_path)
    done = training(tmp_path, override)
    assert done.returncode == 0 and starts(tmp_path) == 1
    shown = override.replace("[", "\\[").replace("]", "\\]")
    assert f"training: done before, reused; without effect on it: {shown} instead of nothing" in done.stdout
    assert "export: done before, reused" in done.stdout


@pytest.mark.parametrize("override", ["trainer.logger=[console]", "trainer.test_freq=5"])
def test_an_interrupted_training_goes_on_with_a_setting_without_effect_and_says_so(tmp_path, override):
    training(tmp_path)
    (tmp_path / ".stages" / "rft.done").unlink()
    done = training(tmp_path, override)
    assert starts(tmp_path) == 2
    assert "training: goes on, with trainer." in done.stdout and "instead of nothing" in done.stdout


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
def test_what_was_made_with_other_settings_is_kept_and_both_ways_are_named(tmp_path, change, named, finished):
    training(tmp_path)
    (tmp_path / "rft" / "checkpoint").touch()
    if not finished:
        (tmp_path / ".stages" / "rft.done").unlink()
    refused = training(tmp_path, **change)
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert named in line and "set OUTPUT_DIR to another folder, or remove" in line
    assert (tmp_path / "rft" / "checkpoint").exists() and starts(tmp_path) == 1
    again = training(tmp_path)  # the earlier settings
    assert again.returncode == 0 and starts(tmp_path) == (1 if finished else 2)


def test_a_training_goes_on_to_more_steps_and_what_follows_is_made_again(tmp_path):
    training(tmp_path)
    done = training(tmp_path, steps=80)
    assert starts(tmp_path) == 2 and "goes on, with --steps=80" in done.stdout
    assert "export: done before" not in done.stdout
    assert training(tmp_path, steps=80).stdout.count("done before, reused") == 3


def test_what_is_removed_by_hand_is_made_anew(tmp_path):
    recipe(tmp_path, WORK.format(end="false", argument="x"))
    assert recipe(tmp_path, WORK.format(end="true", argument="y")).returncode == 1
    (tmp_path / "work" / "log").unlink()
    (tmp_path / "work").rmdir()
    assert recipe(tmp_path, WORK.format(end="true", argument="y")).returncode == 0
    assert (tmp_path / "work" / "log").read_text() == "y\n"


def test_a_folder_that_was_moved_is_still_what_it_was(tmp_path):
    training(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    assert training(tmp_path / "b").stdout.count("done before, reused") == 3


def test_the_seconds_of_a_stage_are_written_beside_its_key(tmp_path):
    recipe(tmp_path, "stage first 'the first' true")
    key, seconds, _ = (tmp_path / ".stages" / "first.done").read_text().split()
    assert len(key) == 64 and int(seconds) < 30


def test_a_folder_takes_one_run_at_a_time(tmp_path):
    done = recipe(tmp_path, "STAGE_NUMBER=0; bash -c 'source recipes/common.sh; lock_output' && echo both")
    assert done.returncode != 0
    assert "is being written by another run" in done.stderr


def test_a_stage_that_is_left_out_counts_as_done_only_where_it_is(tmp_path):
    refused = recipe(tmp_path, CHAIN, STAGES="train")
    assert refused.returncode != 0 and "builds on the stage 'first'" in refused.stderr
    recipe(tmp_path, CHAIN, STAGES="data")
    done = recipe(tmp_path, CHAIN, STAGES="train")
    assert done.returncode == 0 and "the first" not in done.stdout and "[2/2] the second" in done.stdout
    assert recipe(tmp_path, CHAIN).stdout.count("reused") == 2  # the same keys as with all stages


def test_a_dry_run_prints_the_commands_and_does_nothing(tmp_path):
    done = recipe(tmp_path, CHAIN, DRY_RUN="1")
    first, second = map(json.loads, done.stdout.splitlines())
    assert first == {"stage": "first", "title": "the first", "command": ["touch", f"{tmp_path}/made"]}
    assert second["command"] == ["echo", 'a "quoted" word']
    assert not (tmp_path / "made").exists() and not list((tmp_path / ".stages").iterdir())


def test_a_failed_stage_with_a_log_shows_its_end(tmp_path):
    body = "STAGE_LOG=$OUTPUT_DIR/work.log; stage first 'the first' bash -c 'echo reason >&2; exit 3'"
    done = recipe(tmp_path, body)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["reason", f"error: the first failed; the whole log: {tmp_path}/work.log"]


def test_what_is_made_anew_each_time_is_never_reused(tmp_path):
    body = 'always report "the report" echo made'
    assert [recipe(tmp_path, body).stdout for _ in range(2)] == ["[1/2] the report\nmade\n"] * 2


@pytest.mark.parametrize("argument", ["--help", "-h"])
def test_the_quick_start_explains_itself_without_installing_anything(argument):
    done = subprocess.run(
        ["bash", "recipes/quickstart.sh", argument], cwd=ROOT, capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 0
    assert "REWARD" in done.stdout and "pretrain_tiny.sh" in done.stdout and "set -euo" not in done.stdout
