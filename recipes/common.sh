# shellcheck shell=bash
# What all recipes share: the environment, stages, and the command of each kind of stage. Sourced, from the repository
# root, after a recipe has set OUTPUT_DIR.

die() {
    echo "error: $*" >&2
    exit 1
}

# What comes from outside is checked before it is used: in bash's arithmetic a value is a program.
number() { # VARIABLE LEAST [MOST]
    local most=${3:-999999999}
    [[ ${!1} =~ ^(0|[1-9][0-9]{0,8})$ && ${!1} -ge $2 && ${!1} -le $most ]] || die "$1=${!1} is not a whole number from $2${3:+ to $3}"
}

one_of() { # VARIABLE VALUE...
    local name=$1 value
    for value in "${@:2}"; do
        [[ ${!name} != "$value" ]] || return 0
    done
    die "$name=${!name} is unknown; choose one of: ${*:2}"
}

# Install what is missing and take the environment that it is in. Who installed the package otherwise keeps what is there.
use_environment() { # DEVICE
    if command -v visual-rft > /dev/null && [[ ! -e $(python -c 'import sys; print(sys.prefix)')/.visual-rft-setup ]]; then
        visual-rft doctor --quick --device "$1"
    else
        bash scripts/setup.sh "${1/cuda/gpu}"
        source scripts/activate.sh
    fi
}

# How many GPUs this machine has for us. Asked before there is an environment, of whatever Python there is.
count_gpus() { python3 -m verl_visual_rft.planning.gpus; }

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
    # OMP_NUM_THREADS holds for vLLM too: by itself it leaves a core idle, and pins the servers of all ranks to the same ones.
    export VLLM_CPU_OMP_THREADS_BIND=${VLLM_CPU_OMP_THREADS_BIND:-nobind}
    export VLLM_CPU_KVCACHE_SPACE=${VLLM_CPU_KVCACHE_SPACE:-1}
    # oneDNN keeps a kernel for each batch size that it meets, 0.3 MB each, 1024 by default; fewer are as fast.
    export ONEDNN_PRIMITIVE_CACHE_CAPACITY=${ONEDNN_PRIMITIVE_CACHE_CAPACITY:-256}
    # Ray's default niceness of 15 would starve a run beside any other program.
    export RAY_worker_niceness=${RAY_worker_niceness:-0}
}

# What becomes a name in files, JSON and parquet is UTF-8.
utf8() { # STRING...
    local text
    for text in "$@"; do
        [[ $text != *[!\ -~]* ]] || iconv -f UTF-8 -t UTF-8 <<< "$text" > /dev/null 2>&1 || die "$(printf '%q' "$text") is not UTF-8; give it another name"
    done
}

# Strings as a JSON list.
json_list() { # STRING...
    local text code character list=''
    for text in "$@"; do
        text=${text//\\/\\\\}
        text=${text//\"/\\\"}
        if [[ $text == *[[:cntrl:]]* ]]; then
            for code in {1..31}; do
                printf -v code '%02x' "$code"
                printf -v character '%b' "\\x$code"
                text=${text//"$character"/\\u00$code}
            done
        fi
        list+=", \"$text\""
    done
    printf '[%s]' "${list#, }"
}

json_string() { # STRING
    local list
    list=$(json_list "$1")
    printf '%s' "${list:1:-1}"
}

# stage NAME TITLE COMMAND...: run a command once. It is reused while it and all before it stay the same; one that was
# interrupted goes on, one that was begun with other settings starts anew, without the folder of its name.
#   STAGES=KIND,...   only stages of these kinds (STAGE_KIND); what they build on must be done
#   DRY_RUN=1         print the command as a line of JSON instead
#   STAGE_LOG=FILE    keep the command's standard error there; STAGE_OUTPUT=FILE likewise its output
STAGE_NUMBER=0
STAGE_KEY=
STAGE_LEFT_OUT=
stage() {
    local name=$1 title=$2 stamp=$OUTPUT_DIR/.stages/$1
    shift 2
    STAGE_NUMBER=$((STAGE_NUMBER + 1))
    STAGE_KEY=$(printf '%s\n' "$STAGE_KEY" "$@" | sha256sum | cut -d ' ' -f 1)
    local label="[$STAGE_NUMBER${STAGE_COUNT:+/$STAGE_COUNT}] $title" known=no
    [[ -f $stamp.done && $(head -n 1 "$stamp.done") == "$STAGE_KEY" ]] && known=yes
    if ! selected; then
        [[ $known == yes ]] || STAGE_LEFT_OUT=${STAGE_LEFT_OUT:-$name}
        return 0
    fi
    if [[ ${DRY_RUN:-0} == 1 ]]; then
        print_stage "$name" "$title" "$@"
        return 0
    fi
    need_what_is_left_out
    if [[ $known == yes ]]; then
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
    run_logged "$title" "$@"
    printf '%s\n%s\n' "$STAGE_KEY" "$((SECONDS - begin))" > "$stamp.done.partial"
    mv "$stamp.done.partial" "$stamp.done"
}

# A stage that is made anew each time.
always() { # NAME TITLE COMMAND...
    selected || return 0
    if [[ ${DRY_RUN:-0} == 1 ]]; then
        print_stage "$@"
        return 0
    fi
    need_what_is_left_out
    STAGE_NUMBER=$((STAGE_NUMBER + 1))
    echo "[$STAGE_NUMBER${STAGE_COUNT:+/$STAGE_COUNT}] $2"
    "${@:3}"
}

need_what_is_left_out() {
    [[ -z $STAGE_LEFT_OUT ]] || die "STAGES=$STAGES builds on the stage '$STAGE_LEFT_OUT', which is not done with these settings; add its kind to STAGES"
}

# Whether STAGES asks for this stage.
selected() { [[ -z ${STAGES:-} || -z ${STAGE_KIND:-} || ",$STAGES," == *",$STAGE_KIND,"* ]]; }

print_stage() { # NAME TITLE COMMAND...
    printf '{"stage": %s, "title": %s, "command": %s}\n' "$(json_string "$1")" "$(json_string "$2")" "$(json_list "${@:3}")"
}

run_logged() { # TITLE COMMAND...
    local title=$1 status=0
    shift
    [[ -z ${STAGE_LOG:-} ]] || mkdir -p "$(dirname "$STAGE_LOG")"
    exec 3>&1 4>&2
    [[ -z ${STAGE_OUTPUT:-} ]] || exec 3> "$STAGE_OUTPUT"
    [[ -z ${STAGE_LOG:-} ]] || exec 4> "$STAGE_LOG"
    "$@" >&3 2>&4 3>&- 4>&- || status=$?
    exec 3>&- 4>&-
    [[ $status != 0 ]] || return 0
    [[ -n ${STAGE_LOG:-} ]] || exit "$status"
    tail -n 3 "$STAGE_LOG" >&2
    die "$title failed; the whole log: $STAGE_LOG"
}

# The command of a training into FOLDER (checkpoints/, log.txt, metrics), which goes on from the last checkpoint: COMMAND.

# shellcheck disable=SC2034 # used by the recipes
sft_command() { # FOLDER STEPS RANKS OVERRIDES...
    COMMAND=(
        python -m verl_visual_rft.training.launch --run "$1" --title "  SFT" --steps "$2" --
        python -m verl_visual_rft.training.torchrun --nproc_per_node="$3" -m verl.trainer.sft_trainer
        --config-path pkg://verl_visual_rft.training.config --config-name visual_sft
        trainer.default_local_dir="$(realpath --canonicalize-missing "$1")/checkpoints"
        trainer.total_epochs="$2" trainer.total_training_steps="$2" "${@:4}"
    )
}

# REWARD is a name, or a composition, whose = and , Hydra must not read: hence the quotes within quotes.
# shellcheck disable=SC2034 # used by the recipes
rft_command() { # FOLDER STEPS REWARD OVERRIDES...
    COMMAND=(
        python -m verl_visual_rft.training.launch --run "$1" --title "  GRPO" --steps "$2" --
        python -m verl.trainer.main_ppo --config-path pkg://verl_visual_rft.training.config --config-name visual_rft
        trainer.default_local_dir="$(realpath --canonicalize-missing "$1")/checkpoints"
        trainer.total_epochs="$2" trainer.total_training_steps="$2" visual_rft.reward="'$3'" "${@:4}"
    )
}

# The last complete checkpoint as a Hugging Face model in FOLDER/hf. MODEL is what was trained: an adapter is merged into it.
export_checkpoint() { # NAME TITLE FOLDER MODEL
    local STAGE_LOG=$3/export.log
    stage "$1" "$2" python -m verl_visual_rft.training.export "$3" --model "$4"
}

# Answers of MODEL to the questions of DATA/SPLIT.parquet, and their metrics, in eval/METHOD or eval/METHOD/SET.
evaluate_model() { # METHOD[/SET] TITLE MODEL DATA SPLIT REWARD OPTIONS-OF-EVAL...
    local out=$OUTPUT_DIR/eval/$1 name=${1//\//_}
    local STAGE_LOG=$out/log.txt
    stage "predict_$name" "$2: answers" visual-rft predict --model "$3" --data "$4/$5.parquet" --out "$out/predictions.jsonl" "${PREDICT[@]}"
    local masks=()
    if [[ -n ${SAM:-} ]]; then
        stage "segment_$name" "$2: masks" visual-rft segment "$out/predictions.jsonl" --data "$4" --out "$out/masks.jsonl" --sam "$SAM"
        masks=(--masks "$out/masks.jsonl")
    fi
    STAGE_LOG=
    local STAGE_OUTPUT=$out/metrics.txt
    stage "eval_$name" "$2: metrics" visual-rft eval "$out/predictions.jsonl" --data "$4" --out "$out/metrics.json" --reward "${@:6}" "${masks[@]}"
}
