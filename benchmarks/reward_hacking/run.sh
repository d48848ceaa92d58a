#!/usr/bin/env bash
# GRPO from one policy with two rewards: does it learn to place boxes, or to be paid without?
#
#   STRENGTH=weak REWARD=paper SEED=0 STEPS=40 bash benchmarks/reward_hacking/run.sh [veRL overrides]
#
# STRENGTH weak|middling|strong: how often the policy that GRPO begins with places a box rightly (see warm_up_corpus.py).
# The warm-up is made once for all rewards. About 7 minutes on 2 cores; pictures, rows and GRPO's settings are the quick
# start's. All runs: python benchmarks/reward_hacking/table.py outputs/reward_hacking/*/grpo_*
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

STRENGTH=${STRENGTH:-weak}
REWARD=${REWARD:-robust}
SEED=${SEED:-0}
STEPS=${STEPS:-40}
STAGE_COUNT=6
BASE_MODEL=verl_visual_rft/miniature/tiny_qwen2vl

source recipes/common.sh
no_reference OUTPUT_DIR
OUTPUT_DIR=$(output_folder "outputs/reward_hacking/${STRENGTH}_seed$SEED")
lock_output
use_environment cpu
use_device cpu 1

SFT=(
    sft_device=cpu model.path="$BASE_MODEL" data.train_files="$(hydra_value "$OUTPUT_DIR/corpus.parquet")"
    data.train_batch_size=32 data.micro_batch_size_per_gpu=32 data.max_length=160
    optim.lr=5e-4 optim.lr_scheduler_type=cosine optim.min_lr_ratio=0.05
    trainer.seed="$SEED" trainer.save_freq=-1
)
GRPO=(
    device=cpu
    data.train_files="$(hydra_value "$OUTPUT_DIR/data/train.parquet")"
    data.val_files="$(hydra_value "$OUTPUT_DIR/data/val.parquet")"
    data.max_prompt_length=64 data.max_response_length=96 data.train_batch_size=16 data.seed="$SEED" data.val_max_samples=128
    actor_rollout_ref.model.path="$(hydra_value "$OUTPUT_DIR/warm_up/hf")"
    actor_rollout_ref.actor.optim.lr=3e-4
    actor_rollout_ref.actor.optim.lr_scheduler_type=cosine
    actor_rollout_ref.actor.optim.min_lr_ratio=0.1
    actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=64
    actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu=128
    actor_rollout_ref.rollout.n=8 actor_rollout_ref.rollout.seed="$SEED" actor_rollout_ref.rollout.max_model_len=160
    actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=128
    trainer.save_freq=-1 trainer.test_freq=10
)

stage raw "the dataset, in COCO layout" python data_prep/shapes.py --out "$OUTPUT_DIR/raw" --val 200 --seed "$SEED"
stage data "data preparation" python data_prep/coco.py --root "$OUTPUT_DIR/raw" --out "$OUTPUT_DIR/data" \
    --novel-categories "white triangle,black circle,blue square,magenta triangle" --rows 256 --negatives 0.1 \
    --val-negatives 0.2 --seed "$SEED"
stage corpus "warm-up rows ($STRENGTH)" python benchmarks/reward_hacking/warm_up_corpus.py --strength "$STRENGTH" \
    --out "$OUTPUT_DIR/corpus.parquet" --seed "$SEED"
sft_command "$OUTPUT_DIR/warm_up" 100 1 "${SFT[@]}"
stage warm_up "warm-up" "${COMMAND[@]}"
export_checkpoint export "export" "$OUTPUT_DIR/warm_up" "$BASE_MODEL"
# The component iou is logged and not paid: one measure for every reward.
rft_command "$OUTPUT_DIR/grpo_$REWARD" "$STEPS" "$REWARD=1,iou=0" "${GRPO[@]}" "$@"
stage "grpo_$REWARD" "GRPO, reward $REWARD" "${COMMAND[@]}"
python benchmarks/reward_hacking/table.py "$OUTPUT_DIR"/grpo_*
