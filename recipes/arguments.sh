# shellcheck shell=bash disable=SC2034 # what it sets is used by the scripts that source it
# Sourced by experiment.sh: what a recipe's variables may be, what follows from them, and how they are shown.

# The published maps of what the untuned model calls present are of COCO and LVIS.
HAS_MAPS=
[[ ! ${DATA_SETS[0]} =~ ^(coco|lvis)$ ]] || HAS_MAPS=1

# Questions about what is not there are of detection alone.
DETECTION=
[[ ! ${DATA_SETS[0]} =~ ^(coco|lvis|mg)$ ]] || DETECTION=1

# Where nothing asks for what is absent, never to say "No Objects" pays; where much does, a model that misses often does better
# to say nothing else (docs/rewards.md). The paper asks for nothing absent.
default_negatives() {
    if [[ -z $DETECTION || $REWARD =~ ^(paper|reference)$ ]]; then echo 0; else echo 0.1; fi
}

usage() {
    cat << END
$TITLE: table ${PAPER_TABLES[*]} of the paper, $PAPER_ROW.

  DATA_ROOT=FOLDER bash recipes/$RECIPE.sh [veRL override ...]

DATA_ROOT is the folder of the original files; python data_prep/${DATA_SETS[0]}.py --help shows where they come from and how
they lie. ${NEEDS:+$NEEDS }The model is trained for $STEPS steps of 16 prompts, by GRPO with $ROLLOUTS rollouts each.
The same command again reuses what is finished and resumes what was interrupted. Results of METHOD=base, sft and rft in
one OUTPUT_DIR share the data and end in one table.

Variables (default):
  METHOD (rft)         rft; sft: the same rows, samples a step and steps, supervised; base: evaluate the model as it is
  MODEL ($DEFAULT_MODEL)
                       a folder, or a name on the Hugging Face hub, of a Qwen2-VL, Qwen2.5-VL or Qwen3-VL
  OUTPUT_DIR (outputs/$RECIPE, and what differs from the defaults)
${KNOWN_SHOTS:+  SHOTS ($SHOTS)            training pictures of each class: ${KNOWN_SHOTS[*]}
}  SEED (0)             of draws, training and rollouts
  REWARD (robust)      a name of \`visual-rft reward list\`, or a composition as 'iou=1,format=0.5'
${DETECTION:+  NEGATIVES (0.1)      share of training rows that ask for what is not there; with REWARD=paper and reference 0, as the paper
}  ALGO (paper)         paper, dapo, gdpo, dr_grpo
  THINK (on)           off: no thinking process before the answer
  LORA (0)             rank of a LoRA adapter; 0: all parameters
  FREEZE_VISION (0)    1: train the language model only
  TAU (fixed)          curriculum: the IoU that counts as a hit rises from 0.5 to 0.9
  SFT_TARGET (answer)  reasoning: targets begin with a short thinking process
${HAS_MAPS:+  EXIST_MAPS           folder of the published exist_map_*.json: ask what they call present, as the paper does
}  DEVICE (auto)        cpu, cuda; auto: cuda where there is a GPU
  NGPUS (all)          GPUs of a node; CPU ranks, 1
  NNODES (1)           nodes of a Ray cluster, whose address is RAY_ADDRESS
  STAGES ($KINDS)
                       only these
  SMOKE (0)            1: every stage in miniature on a CPU, with drawn pictures and a tiny random model; no DATA_ROOT
  DRY_RUN (0)          1: print the commands as JSON and do nothing

Examples:
  DATA_ROOT=/data/${DATA_SETS[0]} METHOD=base bash recipes/$RECIPE.sh
  DATA_ROOT=/data/${DATA_SETS[0]} bash recipes/$RECIPE.sh actor_rollout_ref.actor.optim.lr=2e-6
  SMOKE=1 bash recipes/$RECIPE.sh
END
}

exist_map() { # SCRIPT
    local size=${RECIPE##*_}
    echo "$EXIST_MAPS/exist_map_$1_Qwen2_vl_${size^^}_baseline.json"
}

check_maps() {
    local data_set
    [[ -n ${EXIST_MAPS:-} ]] || return 0
    [[ -n $HAS_MAPS ]] || die "EXIST_MAPS=$EXIST_MAPS: the published maps are of COCO and LVIS; leave the variable out"
    for data_set in "${DATA_SETS[@]}"; do
        [[ -f $(exist_map "$data_set") ]] || die "EXIST_MAPS=$EXIST_MAPS: no file $(exist_map "$data_set"); take the maps from the published repository's folder of the evaluation"
    done
}

find_paths() {
    MODEL=$(model_from_caller "$MODEL")
    [[ -z ${DATA_ROOT:-} ]] || DATA_ROOT=$(from_caller "$DATA_ROOT")
    [[ -z ${EXIST_MAPS:-} ]] || EXIST_MAPS=$(from_caller "$EXIST_MAPS")
}

check_arguments() {
    local kind asked
    utf8 "${OUTPUT_DIR:-}" "${MODEL:-}" "${DATA_ROOT:-}" "${REWARD:-}" "${EXIST_MAPS:-}" "$@"
    no_reference OUTPUT_DIR MODEL REWARD
    one_of METHOD rft sft base
    one_of ALGO paper dapo gdpo dr_grpo
    one_of THINK on off
    one_of FREEZE_VISION 0 1
    one_of TAU fixed curriculum
    one_of SFT_TARGET answer reasoning
    one_of DEVICE auto cpu cuda
    one_of SMOKE 0 1
    one_of DRY_RUN 0 1
    number SEED 0
    number LORA 0
    number NNODES 1
    [[ -z ${TRAIN_COPIES:-} ]] || number TRAIN_COPIES 1
    [[ -z ${NGPUS:-} ]] || number NGPUS 1
    IFS=, read -r -a asked <<< "$STAGES"
    for kind in "${asked[@]}"; do
        [[ ,$KINDS, == *",$kind,"* ]] || die "STAGES=$STAGES: there is no stage '$kind'; choose from $KINDS"
    done
    if [[ -n ${KNOWN_SHOTS:-} ]]; then
        one_of SHOTS "${KNOWN_SHOTS[@]}"
    elif [[ -n ${SHOTS:-} ]]; then
        die "SHOTS=$SHOTS: this experiment has no shots; leave the variable out"
    fi
    [[ $SFT_TARGET$THINK != reasoningoff ]] || die "SFT_TARGET=reasoning contradicts THINK=off; leave one of them out"
    [[ $NEGATIVES =~ ^0(\.[0-9]{0,3}[1-9])?$ ]] || die "NEGATIVES=$NEGATIVES is not a share from 0 to below 1, written as 0.2"
    [[ $NEGATIVES == 0 || -n $DETECTION ]] || die "NEGATIVES=$NEGATIVES is about the questions of detection; this experiment has none: leave it out"
    [[ $TAU == fixed || -n $DETECTION ]] || die "TAU=$TAU is about the boxes of detection; this experiment has none: leave it out"
    check_maps
    if ((NNODES > 1)); then
        [[ $METHOD != sft ]] || die "METHOD=sft runs on one node; set NNODES=1"
        [[ ${RAY_ADDRESS:-local} != local ]] || die "NNODES=$NNODES needs a Ray cluster: start one with recipes/cluster/head.sh and set RAY_ADDRESS=HOST:6379"
    fi
    if [[ -z ${DATA_ROOT:-} && $SMOKE$DRY_RUN == 00 ]]; then
        die "DATA_ROOT is not set: the folder of the original files. Where they come from: python data_prep/${DATA_SETS[0]}.py --help. Without them: SMOKE=1"
    fi
}

find_device() {
    local gpus=0
    [[ $SMOKE == 0 || $DEVICE != auto ]] || DEVICE=cpu
    [[ $DEVICE == cpu || ($DEVICE == cuda && -n ${NGPUS:-}) ]] || gpus=$(count_gpus)
    if [[ $DEVICE == auto ]]; then
        DEVICE=cpu
        ((gpus == 0)) || DEVICE=cuda
    fi
    NGPUS=${NGPUS:-$((gpus ? gpus : 1))}
}

# The folder of a data set's original files.
original() { # SCRIPT
    if [[ -n ${DATA_ROOT:-} ]]; then
        echo "$DATA_ROOT"
    elif [[ $SMOKE == 1 ]]; then
        echo "$OUTPUT_DIR/original_$1"
    else
        echo DATA_ROOT
    fi
}

# The model's family decides coordinates and prompts: FAMILY. Its folder, downloaded where MODEL is a name: MODEL_FOLDER.
find_family() {
    FAMILY=qwen2-vl
    [[ $MODEL == "$DEFAULT_MODEL" ]] || FAMILY=$(python -m verl_visual_rft.planning.family "$MODEL")
}

find_model() {
    MODEL_FOLDER=$MODEL
    if [[ $DRY_RUN == 0 && ! -d $MODEL ]]; then
        echo "the files of $MODEL:"
        MODEL_FOLDER=$(python -c 'import sys, huggingface_hub; print(huggingface_hub.snapshot_download(sys.argv[1]))' "$MODEL")
    fi
}

# Check everything that can be checked before anything starts.
begin() {
    if [[ $DRY_RUN == 1 ]]; then
        describe
    else
        lock_output
        use_environment "$DEVICE"
        use_device "$DEVICE" "$NGPUS"
        visual-rft reward list "$REWARD" > /dev/null
    fi
    find_family
    [[ $SMOKE == 0 ]] || make_miniatures
    training_command
    [[ $DRY_RUN == 1 ]] || check_plan
    find_model
}

check_plan() {
    local data_set root run=(--think "$THINK" -- "${TRAINING[@]}")
    [[ $METHOD != base ]] || run=(--model "$MODEL" --device "$DEVICE" --ngpus "$NGPUS")
    for data_set in "${DATA_SETS[@]}"; do
        root=()
        [[ ,$STAGES, != *,data,* ]] || root=(--data-set "$data_set" --data-root "$(original "$data_set")")
        python -m verl_visual_rft.planning.check "${root[@]}" "${run[@]}"
    done
}

# A folder a setting: what differs from the defaults is part of its name.
name_output() {
    local name=$RECIPE
    [[ -z ${KNOWN_SHOTS:-} ]] || name+=_${SHOTS}shot
    [[ $MODEL == "$DEFAULT_MODEL" ]] || name+=_$(basename "$MODEL")
    [[ $REWARD == robust ]] || name+=_${REWARD//[^A-Za-z0-9.]/_}
    [[ $NEGATIVES == "$(default_negatives)" ]] || name+=_negatives$NEGATIVES
    [[ $ALGO == paper ]] || name+=_$ALGO
    [[ $THINK == on ]] || name+=_nothink
    [[ $LORA == 0 ]] || name+=_lora$LORA
    [[ $FREEZE_VISION == 0 ]] || name+=_frozen
    [[ $TAU == fixed ]] || name+=_$TAU
    [[ $SFT_TARGET == answer ]] || name+=_$SFT_TARGET
    [[ -z ${EXIST_MAPS:-} ]] || name+=_maps
    [[ $SEED == 0 ]] || name+=_seed$SEED
    [[ $SMOKE == 0 ]] || name=smoke/$name
    OUTPUT_DIR=$(output_folder "outputs/$name")
}

# How the run is called in tables.
name_row() {
    local parameters="all parameters" targets="answers alone"
    [[ $FREEZE_VISION == 0 ]] || parameters="vision tower frozen"
    [[ $LORA == 0 ]] || parameters="LoRA $LORA"
    [[ $THINK == on ]] || parameters+=", no thinking"
    [[ $SFT_TARGET == answer ]] || targets="with reasoning"
    [[ $NEGATIVES == 0 ]] || parameters+=", negatives $NEGATIVES"
    case $METHOD in
        base) LABEL=base ;;
        sft) LABEL="+ SFT ($parameters, $targets)" ;;
        rft) LABEL="+ Visual-RFT (reward $REWARD, algorithm $ALGO, $parameters)" ;;
    esac
}

# The first line of DRY_RUN=1, and eval/METHOD/run.json.
describe() {
    local shots=null
    [[ -z ${KNOWN_SHOTS:-} ]] || shots=$SHOTS
    printf '{"recipe": {"name": %s, "title": %s, "paper": {"table": %s, "row": %s}, "tables": [%s], ' "$(json_string "$RECIPE")" \
        "$(json_string "$TITLE")" "${PAPER_TABLES[0]}" "$(json_string "$PAPER_ROW")" "$(IFS=,; echo "${PAPER_TABLES[*]}")"
    printf '"method": "%s", "label": %s, "model": %s, ' "$METHOD" "$(json_string "$LABEL")" "$(json_string "$MODEL")"
    printf '"data_set": "%s", "data_sets": %s, "data_root": %s, ' "${DATA_SETS[0]}" "$(json_list "${DATA_SETS[@]}")" \
        "$(json_string "$(original "${DATA_SETS[0]}")")"
    printf '"reward": %s, "negatives": %s, "algo": "%s", "think": "%s", "lora": %s, "seed": %s, ' "$(json_string "$REWARD")" "$NEGATIVES" \
        "$ALGO" "$THINK" "$LORA" "$SEED"
    printf '"steps": %s, "prompts": %s, "rollouts": %s, "shots": %s, ' "$STEPS" "$PROMPTS" "$ROLLOUTS" "$shots"
    printf '"device": "%s", "nodes": %s, "gpus": %s, "smoke": %s, "output_dir": %s}}\n' "$DEVICE" "$NNODES" "$NGPUS" \
        "$SMOKE" "$(json_string "$OUTPUT_DIR")"
}

case ${1:-} in
    -h | --help) usage && exit 0 ;;
    -*) die "$1 is no veRL override; bash recipes/$RECIPE.sh --help shows the variables" ;;
esac
NEGATIVES=${NEGATIVES:-$(default_negatives)}
find_paths
check_arguments "$@"
find_device
name_output
name_row
