# shellcheck shell=bash
# What recipes share. Sourced, from the repository root, after a recipe has set OUTPUT_DIR, DEVICE and STAGE_COUNT.

die() {
    echo "error: $*" >&2
    exit 1
}

# Install what is missing and take the environment that it is in.
use_environment() { # DEVICE
    bash scripts/setup.sh "$1"
    source scripts/activate.sh
}

# One run a folder: the second start of the same run would write over the first.
lock_output() {
    mkdir -p "$OUTPUT_DIR/.stages"
    exec 9> "$OUTPUT_DIR/.lock"
    flock --nonblock 9 || die "$OUTPUT_DIR is being written by another run of this recipe; wait for it, or set OUTPUT_DIR to another folder"
}

# What the device needs of the environment. A rank on the CPU is a process; it gets an equal share of the cores.
use_device() { # DEVICE RANKS
    [[ $1 == cpu ]] || return 0
    export VERL_PLATFORM=cpu
    export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(( ($(nproc) + $2 - 1) / $2 ))}
    # Waiting threads sleep: spinning ones take the cores from the run's other processes, and from a second run all of them.
    export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-PASSIVE}
    export VLLM_CPU_KVCACHE_SPACE=${VLLM_CPU_KVCACHE_SPACE:-1}
    # Ray's default niceness of 15 would starve a run beside any other program.
    export RAY_worker_niceness=${RAY_worker_niceness:-0}
}

# stage NAME TITLE COMMAND...: run a stage once. It is reused while its command and all before it stay the same;
# a stage that was interrupted goes on, one that was begun with another command starts anew.
STAGE_NUMBER=0
STAGE_KEY=
stage() {
    local name=$1 title=$2
    shift 2
    STAGE_NUMBER=$((STAGE_NUMBER + 1))
    STAGE_KEY=$(printf '%s\n' "$STAGE_KEY" "$@" | sha256sum | cut -d ' ' -f 1)
    local label="[$STAGE_NUMBER/$STAGE_COUNT] $title" stamp=$OUTPUT_DIR/.stages/$name
    if [[ -f $stamp.done && $(head -n 1 "$stamp.done") == "$STAGE_KEY" ]]; then
        echo "$label: done before, reused"
        return 0
    fi
    if [[ -f $stamp.begun && $(< "$stamp.begun") != "$STAGE_KEY" ]]; then
        echo "$label: its settings changed, starting anew"
        rm -rf "${OUTPUT_DIR:?}/$name"
    fi
    rm -f "$stamp.done"
    echo "$STAGE_KEY" > "$stamp.begun"
    echo "$label"
    local begin=$SECONDS
    "$@"
    printf '%s\n%s\n' "$STAGE_KEY" "$((SECONDS - begin))" > "$stamp.done.partial"
    mv "$stamp.done.partial" "$stamp.done"
}

# Supervised fine-tuning and GRPO into FOLDER/checkpoints, from the last checkpoint there where there is one.
train_sft() { # FOLDER STEPS OVERRIDES...
    local run=$1 steps=$2
    shift 2
    python -m verl_visual_rft.training.launch --run "$run" --title "  SFT" --steps "$steps" -- \
        torchrun --standalone --nproc_per_node=1 -m verl.trainer.sft_trainer \
        --config-path pkg://verl_visual_rft.training.config --config-name visual_sft \
        trainer.default_local_dir="$(realpath "$run")/checkpoints" "$@"
}

# REWARD is a name, or a composition, whose = and , Hydra must not read: hence the quotes within quotes.
train_rft() { # FOLDER STEPS REWARD OVERRIDES...
    local run=$1 steps=$2 reward=$3
    shift 3
    python -m verl_visual_rft.training.launch --run "$run" --title "  GRPO" --steps "$steps" -- \
        python -m verl.trainer.main_ppo \
        --config-path pkg://verl_visual_rft.training.config --config-name visual_rft \
        trainer.default_local_dir="$(realpath "$run")/checkpoints" visual_rft.reward="'$reward'" "$@"
}

# The last complete checkpoint of FOLDER/checkpoints as a Hugging Face model in FOLDER/hf.
export_checkpoint() { # FOLDER SUBFOLDER-OF-A-STEP
    local step
    step=$(< "$1/checkpoints/latest_checkpointed_iteration.txt") || die "no checkpoint in $1/checkpoints"
    rm -rf "$1/hf.partial"
    python -m verl.model_merger merge --backend fsdp --local_dir "$1/checkpoints/global_step_$step$2" \
        --target_dir "$1/hf.partial" >> "$1/log.txt" 2>&1 || die "the checkpoint could not be exported, see $1/log.txt"
    rm -rf "$1/hf"
    mv "$1/hf.partial" "$1/hf"
}

# Predictions of MODEL on the validation questions, and their metrics, in eval/METHOD.
evaluate() { # METHOD MODEL REWARD
    local out=$OUTPUT_DIR/eval/$1
    mkdir -p "$out"
    visual-rft predict --model "$2" --data "$OUTPUT_DIR/data/val.parquet" --out "$out/predictions.jsonl" \
        "${PREDICT[@]}" 2>> "$out/log.txt" || die "prediction failed, see $out/log.txt"
    visual-rft eval "$out/predictions.jsonl" --data "$OUTPUT_DIR/data" --out "$out/metrics.json" --reward "$3" > "$out/metrics.txt"
}
