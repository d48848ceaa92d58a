#!/usr/bin/env bash
# Visual-RFT from raw data to report on a laptop: no GPU, no download but Python packages. Every part is the real one: veRL's
# SFT and GRPO trainers, Ray, FSDP2, the vLLM server; only the model and the pictures are small.
#
#   bash recipes/quickstart.sh                  about 15 minutes on 2 cores; results in outputs/quickstart
#   REWARD=paper bash recipes/quickstart.sh     the paper's reward, which this model learns to game
#   REWARD='iou=1,confidence=0.5,format=0.5' bash recipes/quickstart.sh     a reward of one's own choice
#   SEED=1 STEPS=40 bash recipes/quickstart.sh algorithm.norm_adv_by_std_in_grpo=False     any veRL override
#
# The same command again reuses what is finished and resumes what was interrupted.
#
# Variables (default):
#   OUTPUT_DIR (outputs/quickstart, with the reward and seed if not the default)   where everything goes
#   SEED (0)  REWARD (robust)  STEPS (60, of GRPO; + SFT sees as many samples)  NGPUS (1, CPU ranks)
#   MODEL (the shipped tiny Qwen2-VL; recipes/pretrain_tiny.sh makes it again)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ${1:-} == --help || ${1:-} == -h ]]; then
    sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
fi

DEVICE=cpu
SEED=${SEED:-0}
REWARD=${REWARD:-robust}
STEPS=${STEPS:-60}
NGPUS=${NGPUS:-1}

source recipes/common.sh
suffix=
[[ $REWARD == robust ]] || suffix+=_${REWARD//[^A-Za-z0-9.]/_}
[[ $SEED == 0 ]] || suffix+=_seed$SEED
utf8 "${OUTPUT_DIR:-}" "${MODEL:-}" "$REWARD"
no_reference OUTPUT_DIR MODEL REWARD
MODEL=$(model_from_caller "${MODEL:-verl_visual_rft/miniature/tiny_qwen2vl}")
OUTPUT_DIR=$(output_folder "outputs/quickstart$suffix")
STAGE_COUNT=12
number SEED 0
number STEPS 1
number NGPUS 1
lock_output
use_environment "$DEVICE"
use_device "$DEVICE" "$NGPUS"
visual-rft reward list "$REWARD" > /dev/null

PROMPTS=16      # a step
ROLLOUTS=8      # of each prompt
TRAIN_ROWS=256  # questions about base categories, a tenth of them about what is not there
VAL_PICTURES=200
PROMPT_TOKENS=64 # with the picture
ANSWER_TOKENS=96
TOKENS=$((PROMPT_TOKENS + ANSWER_TOKENS))

DATA=(
    data.train_files="$(hydra_value "$OUTPUT_DIR/data/train.parquet")" data.val_files="$(hydra_value "$OUTPUT_DIR/data/val.parquet")"
    data.max_prompt_length="$PROMPT_TOKENS" data.max_response_length="$ANSWER_TOKENS"
    data.train_batch_size="$PROMPTS" data.seed="$SEED"
)
ACTOR=(
    actor_rollout_ref.model.path="$(hydra_value "$MODEL")"
    actor_rollout_ref.actor.optim.lr=3e-4
    actor_rollout_ref.actor.optim.lr_scheduler_type=cosine
    actor_rollout_ref.actor.optim.min_lr_ratio=0.1
    actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=$((64 / NGPUS))
    actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu=$((128 / NGPUS))
)
ROLLOUT=(
    actor_rollout_ref.rollout.n="$ROLLOUTS"
    actor_rollout_ref.rollout.seed="$SEED"
    actor_rollout_ref.rollout.max_model_len="$TOKENS"
    actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=$((128 / NGPUS))
)
TRAINER=(trainer.n_gpus_per_node="$NGPUS" trainer.save_freq=10 trainer.test_freq=10 data.val_max_samples=128)
SFT=(
    sft_device=cpu
    model.path="$(hydra_value "$MODEL")" data.train_files="$(hydra_value "$OUTPUT_DIR/data/sft_train.parquet")"
    data.train_batch_size="$PROMPTS" data.micro_batch_size_per_gpu="$PROMPTS" data.max_length="$TOKENS"
    optim.lr=3e-4 optim.lr_scheduler_type=cosine optim.min_lr_ratio=0.1 trainer.seed="$SEED" trainer.save_freq=-1
)
PREDICT=(--max-tokens "$ANSWER_TOKENS" --max-model-len "$TOKENS" --dtype float32)
NOVEL="white triangle,black circle,blue square,magenta triangle"

sft_command "$OUTPUT_DIR/sft" "$STEPS" 1 "${SFT[@]}"
SFT_TRAINING=("${COMMAND[@]}")
rft_command "$OUTPUT_DIR/rft" "$STEPS" "$REWARD" device=cpu "${DATA[@]}" "${ACTOR[@]}" "${ROLLOUT[@]}" "${TRAINER[@]}" "$@"
RFT_TRAINING=("${COMMAND[@]}")
python -m verl_visual_rft.planning.check -- "${SFT_TRAINING[@]}"
python -m verl_visual_rft.planning.check -- "${RFT_TRAINING[@]}"

stage raw "the dataset, in COCO layout" python data_prep/shapes.py --out "$OUTPUT_DIR/raw" --val $VAL_PICTURES --seed "$SEED"
stage data "data preparation" python data_prep/coco.py --root "$OUTPUT_DIR/raw" --out "$OUTPUT_DIR/data" \
    --novel-categories "$NOVEL" --rows $TRAIN_ROWS --negatives 0.1 --val-negatives 0.2 --seed "$SEED" \
    --tokenizer "$MODEL" --max-prompt-tokens $PROMPT_TOKENS
DATA_KEY=$STAGE_KEY
evaluate_model base "base model" "$MODEL" "$OUTPUT_DIR/data" val "$REWARD"
stage sft "+ SFT: training" "${SFT_TRAINING[@]}"
export_checkpoint sft_export "+ SFT: export" "$OUTPUT_DIR/sft" "$MODEL"
evaluate_model sft "+ SFT" "$OUTPUT_DIR/sft/hf" "$OUTPUT_DIR/data" val "$REWARD"
STAGE_KEY=$DATA_KEY # GRPO builds on the data, not on + SFT
stage rft "+ Visual-RFT: training (GRPO)" "${RFT_TRAINING[@]}"
export_checkpoint rft_export "+ Visual-RFT: export" "$OUTPUT_DIR/rft" "$MODEL"
evaluate_model rft "+ Visual-RFT" "$OUTPUT_DIR/rft/hf" "$OUTPUT_DIR/data" val "$REWARD"
visual-rft report "$OUTPUT_DIR" --reward "$REWARD" --seed "$SEED"
echo "
$OUTPUT_DIR/report.html   pictures with boxes, before and after
$OUTPUT_DIR/curves.png    reward and accuracy over the steps
$OUTPUT_DIR/summary.json  the figures, for machines"
