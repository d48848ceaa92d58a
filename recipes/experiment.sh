# shellcheck shell=bash
# What the recipes of the paper's experiments share. Sourced, from the repository root, by a recipe that has set
#   TITLE, PAPER_TABLES and PAPER_ROW, DATA_SETS (scripts of data_prep/), DEFAULT_MODEL, STEPS, ROLLOUTS
#   and, where they apply, SHOTS with KNOWN_SHOTS, ROWS (training rows to draw), SAM (masks of the answered boxes)
# and that then calls prepare, train, evaluate and report.

RECIPE=$(basename "$0" .sh)
OVERRIDES=("$@")
KINDS=data,train,export,eval,report

MODEL=${MODEL:-$DEFAULT_MODEL}
METHOD=${METHOD:-rft}
SEED=${SEED:-0}
REWARD=${REWARD:-robust}
ALGO=${ALGO:-paper}
THINK=${THINK:-on}
LORA=${LORA:-0}
FREEZE_VISION=${FREEZE_VISION:-0}
TAU=${TAU:-fixed}
SFT_TARGET=${SFT_TARGET:-answer}
NNODES=${NNODES:-1}
DEVICE=${DEVICE:-auto}
STAGES=${STAGES:-$KINDS}
SMOKE=${SMOKE:-0}
DRY_RUN=${DRY_RUN:-0}

source recipes/common.sh
source recipes/arguments.sh

PROMPTS=16         # a step
PROMPT_TOKENS=1024 # with the picture
EVERY=50           # steps between checkpoints, and between validations on 256 questions
DATA_OPTIONS=()
RFT=(data.val_max_samples=256)
SFT=()
PREDICT=()
[[ $SMOKE == 0 ]] || source recipes/smoke.sh
[[ $DEVICE == cpu ]] || PREDICT+=(--workers="$NGPUS")
[[ $THINK == on ]] || DATA_OPTIONS+=(--no-think)
[[ $SFT_TARGET == answer ]] || DATA_OPTIONS+=(--sft-target "$SFT_TARGET")
if [[ $FREEZE_VISION == 1 ]]; then
    RFT+=(visual_rft.freeze_vision=true)
    SFT+=(engine.freeze_vision=true)
fi
if [[ $LORA != 0 ]]; then
    RFT+=(lora=on actor_rollout_ref.model.lora_rank="$LORA" actor_rollout_ref.model.lora_alpha=$((2 * LORA)))
    SFT+=(sft=lora model.lora_rank="$LORA" model.lora_alpha=$((2 * LORA)))
fi
[[ $TAU == fixed ]] || RFT+=(visual_rft.tau="$TAU")
[[ ${RAY_ADDRESS:-local} == local ]] || RFT+=(cluster=running)

# The largest number up to MOST of sequences that a rank takes at once, where their lengths do not decide (on a CPU); it
# divides what each rank has of the batch.
micro_batch() { # SEQUENCES MOST
    local mine=$(($1 / (NGPUS * NNODES))) size=$2
    while ((size > 1 && mine % size)); do size=$((size - 1)); done
    echo "$size"
}

# A file of training rows as Hydra takes it; TRAIN_COPIES times, where the rows alone would fill no batch.
train_files() { # FILE
    local list copy
    list=$(hydra_value "$1")
    for ((copy = 1; copy < ${TRAIN_COPIES:-1}; copy++)); do list+=,$(hydra_value "$1"); done
    echo "[$list]"
}

# The command that trains by METHOD: TRAINING.
training_command() {
    local data=$OUTPUT_DIR/data sequences=$((PROMPTS * ROLLOUTS))
    case $METHOD in
        base) COMMAND=() ;;
        sft)
            sft_command "$OUTPUT_DIR/sft" "$STEPS" "$NGPUS" sft_device="$DEVICE" model.path="$(hydra_value "$MODEL")" \
                data.train_files="$(train_files "$data/sft_train.parquet")" data.train_batch_size="$PROMPTS" \
                data.micro_batch_size_per_gpu="$(micro_batch "$PROMPTS" 4)" trainer.seed="$SEED" trainer.save_freq="$EVERY" \
                trainer.n_gpus_per_node="$NGPUS" "${SFT[@]}" "${OVERRIDES[@]}"
            ;;
        rft)
            rft_command "$OUTPUT_DIR/rft" "$STEPS" "$REWARD" device="$DEVICE" algo="$ALGO" actor_rollout_ref.model.path="$(hydra_value "$MODEL")" \
                data.train_files="$(train_files "$data/train.parquet")" data.val_files="$(hydra_value "$data/val.parquet")" \
                data.train_batch_size="$PROMPTS" data.max_prompt_length="$PROMPT_TOKENS" data.seed="$SEED" \
                actor_rollout_ref.rollout.seed="$SEED" actor_rollout_ref.rollout.n="$ROLLOUTS" \
                actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu="$(micro_batch "$sequences" 4)" \
                actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu="$(micro_batch "$sequences" 8)" \
                actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu="$(micro_batch "$sequences" 8)" \
                trainer.save_freq="$EVERY" trainer.test_freq="$EVERY" trainer.n_gpus_per_node="$NGPUS" trainer.nnodes="$NNODES" \
                "${RFT[@]}" "${OVERRIDES[@]}"
            ;;
    esac
    TRAINING=("${COMMAND[@]}")
}

begin

# Questions about what is not in the picture, so that false alarms count: ABSENT. The published evaluation asks what a map
# of the untuned model calls present, no more and no less.
absent_questions() { # SCRIPT
    case $1 in
        coco) ABSENT=(--val-negatives 0.5) ;;
        lvis) ABSENT=(--val-questions verified) ;;
        *) ABSENT=() ;;
    esac
    [[ -z ${EXIST_MAPS:-} ]] || ABSENT=(--val-pairs "$(exist_map "$1")")
}

# Rows of a data set in OUTPUT_DIR/FOLDER; those that are trained on in OUTPUT_DIR/data.
prepare() { # FOLDER SCRIPT OPTIONS...
    local STAGE_KIND=data folder=$1 script=$2
    shift 2
    absent_questions "$script"
    [[ $folder != data || $NEGATIVES == 0 ]] || ABSENT+=(--negatives "$NEGATIVES")
    stage "$folder" "data preparation: $script" python "data_prep/$script.py" --root "$(original "$script")" --out "$OUTPUT_DIR/$folder" \
        "$@" "${ABSENT[@]}" --seed "$SEED" --family "$FAMILY" --tokenizer "$MODEL_FOLDER" --max-prompt-tokens "$PROMPT_TOKENS" "${DATA_OPTIONS[@]}"
}

# Training by METHOD on OUTPUT_DIR/data, and its last checkpoint in Hugging Face format.
train() {
    local STAGE_KIND=train
    [[ $METHOD != base ]] || return 0
    stage "$METHOD" "${METHOD^^}: $STEPS steps" "${TRAINING[@]}"
    STAGE_KIND='export'
    export_checkpoint "${METHOD}_export" "${METHOD^^}: export" "$OUTPUT_DIR/$METHOD" "$MODEL_FOLDER"
}

# Answers and metrics on OUTPUT_DIR/DATA/SPLIT.parquet; SET names them where there are several.
evaluate() { # DATA SPLIT [SET]
    local STAGE_KIND=eval model=$MODEL_FOLDER existence=() script=${1#data_}
    [[ $METHOD == base ]] || model=$OUTPUT_DIR/$METHOD/hf
    [[ $script != data ]] || script=${DATA_SETS[0]}
    [[ -z ${EXIST_MAPS:-} ]] || existence=(--existence "$(exist_map "$script")")
    if [[ $DRY_RUN == 0 ]] && selected; then
        mkdir -p "$OUTPUT_DIR/eval/$METHOD"
        describe > "$OUTPUT_DIR/eval/$METHOD/run.json"
    fi
    evaluate_model "$METHOD${3:+/$3}" "evaluation of $METHOD${3:+ on $3}" "$model" "$OUTPUT_DIR/$1" "$2" "$REWARD" "${existence[@]}"
}

# The page of all methods that OUTPUT_DIR has, and the paper's tables beside them. Made anew each time.
report() {
    local STAGE_KIND=report table
    always report "report" visual-rft report "$OUTPUT_DIR" --reward "$REWARD" --seed "$SEED"
    for table in "${PAPER_TABLES[@]}"; do
        always "table$table" "beside the paper's table $table" \
            visual-rft report "$OUTPUT_DIR" --table "$table" --paper-model "${RECIPE##*_}"
    done
}
