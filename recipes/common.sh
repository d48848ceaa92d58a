# shellcheck shell=bash
# What all recipes share: the environment, stages, and the command of each kind of stage. Sourced, from the repository
# root, after a recipe has set OUTPUT_DIR, an absolute path.

CALLER=${OLDPWD:-$PWD} # from where the script was called, before it went to the root

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
count_gpus() { python3 -m verl_visual_rft.gpus; }

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

# veRL resolves references twice, so no quoting would keep a name with ${ as it is.
no_reference() { # VARIABLE...
    local name
    for name in "$@"; do
        [[ ${!name:-} != *\$\{* ]] || die "$name=${!name}: veRL takes \${ for a reference; give it another name"
    done
}

# A path of the user's: where it is relative, it is seen from where the script was called.
from_caller() { # PATH
    (cd "$CALLER" && realpath --canonicalize-missing -- "$1")
}

# The folder of a run: the user's OUTPUT_DIR, or DEFAULT in the repository.
output_folder() { # DEFAULT
    if [[ -n ${OUTPUT_DIR:-} ]]; then from_caller "$OUTPUT_DIR"; else realpath --canonicalize-missing "$1"; fi
}

# A model that is a folder, seen so too; else a name on the Hugging Face hub.
model_from_caller() { # MODEL
    if [[ -d $CALLER/$1 || $1 == /* ]]; then from_caller "$1"; elif [[ -d $1 ]]; then realpath -- "$1"; else echo "$1"; fi
}

# A value of an override as Hydra reads it, whatever is in it: between quotes, those within escaped, backslashes before them
# and at the end doubled.
hydra_value() { # VALUE
    local text
    text=$(printf '%s' "$1" | sed -zE "s/(\\\\*)('|\$)/\\1\\1\\2/g")
    printf "'%s'" "${text//"'"/"\\'"}"
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

source recipes/stages.sh

# The command of a training into FOLDER (checkpoints/, log.txt, metrics), which goes on from the last checkpoint: COMMAND.

# shellcheck disable=SC2034 # used by the recipes
sft_command() { # FOLDER STEPS RANKS OVERRIDES...
    COMMAND=(
        python -m verl_visual_rft.launching.launch --run "$1" --title "  SFT" --steps="$2" --
        python -m verl_visual_rft.launching.torchrun --nproc_per_node="$3" -m verl.trainer.sft_trainer
        --config-path pkg://verl_visual_rft.training.config --config-name visual_sft
        trainer.default_local_dir="$(hydra_value "$1/checkpoints")"
        trainer.total_epochs="$2" trainer.total_training_steps="$2" "${@:4}"
    )
}

# REWARD is a name or a composition.
# shellcheck disable=SC2034 # used by the recipes
rft_command() { # FOLDER STEPS REWARD OVERRIDES...
    COMMAND=(
        python -m verl_visual_rft.launching.launch --run "$1" --title "  GRPO" --steps="$2" --
        python -m verl.trainer.main_ppo --config-path pkg://verl_visual_rft.training.config --config-name visual_rft
        trainer.default_local_dir="$(hydra_value "$1/checkpoints")"
        trainer.total_epochs="$2" trainer.total_training_steps="$2" visual_rft.reward="$(hydra_value "$3")" "${@:4}"
    )
}

# The last complete checkpoint as a Hugging Face model in FOLDER/hf. MODEL is what was trained: an adapter is merged into it.
export_checkpoint() { # NAME TITLE FOLDER MODEL
    local STAGE_LOG=$3/export.log
    stage "$1" "$2" python -m verl_visual_rft.training.export "$3" --model "$4"
}

# Answers of MODEL to the questions of DATA/SPLIT.parquet, and their metrics, in eval/METHOD or eval/METHOD/SET.
evaluate_model() { # METHOD[/SET] TITLE MODEL DATA SPLIT REWARD OPTIONS-OF-EVAL...
    local out=$OUTPUT_DIR/eval/$1 name=${1//\//_} STAGE_KEY=$STAGE_KEY STAGE_RAN=$STAGE_RAN # nothing builds on it
    local STAGE_LOG=$out/log.txt
    STAGE_ANSWERS=$out/predictions.jsonl stage "predict_$name" "$2: answers" visual-rft predict --model "$3" --data "$4/$5.parquet" --out "$out/predictions.jsonl" "${PREDICT[@]}"
    local masks=()
    if [[ -n ${SAM:-} ]]; then
        STAGE_ANSWERS=$out/masks.jsonl stage "segment_$name" "$2: masks" visual-rft segment "$out/predictions.jsonl" --data "$4" --out "$out/masks.jsonl" --sam "$SAM"
        masks=(--masks "$out/masks.jsonl")
    fi
    STAGE_LOG=
    local STAGE_OUTPUT=$out/metrics.txt
    stage "eval_$name" "$2: metrics" visual-rft eval "$out/predictions.jsonl" --data "$4" --out "$out/metrics.json" --reward "${@:6}" "${masks[@]}"
}
