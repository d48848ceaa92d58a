#!/usr/bin/env bash
# Make the quick start's base model again from nothing: a tiny Qwen2-VL, pretrained with veRL's SFT trainer on a corpus of
# mixed conventions, in two phases (about 17 minutes on 2 cores). See verl_visual_rft/miniature/conventions.py for what and why.
#
#   OUTPUT_DIR=outputs/pretrain_tiny SEED=0 bash recipes/pretrain_tiny.sh
#   INSTALL=1 bash recipes/pretrain_tiny.sh      also put the model in the place of the shipped one
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

SEED=${SEED:-0}
INSTALL=${INSTALL:-0}
SIMPLE_STEPS=${SIMPLE_STEPS:-300}
NOISY_STEPS=${NOISY_STEPS:-1500}
BATCH=32
STAGE_COUNT=5

source recipes/common.sh
utf8 "${OUTPUT_DIR:-}"
no_reference OUTPUT_DIR
OUTPUT_DIR=$(output_folder outputs/pretrain_tiny)
number SEED 0
number SIMPLE_STEPS 1
number NOISY_STEPS 1
use_environment cpu
use_device cpu 1
lock_output

SFT=(
    sft_device=cpu
    data.train_batch_size="$BATCH" data.micro_batch_size_per_gpu="$BATCH" data.max_length=256
    optim.betas='[0.9,0.98]' optim.weight_decay=0.01
    trainer.seed="$SEED" trainer.save_freq=-1
)

corpus=$OUTPUT_DIR/corpus
stage corpus "corpora and untrained model" python -m verl_visual_rft.miniature.pretraining --out "$corpus" --seed "$SEED" \
    --simple $((BATCH * SIMPLE_STEPS)) --noisy $((BATCH * NOISY_STEPS))

pretrain() { # PHASE TITLE MODEL STEPS OVERRIDES...
    local phase=$1 title=$2 model=$3 steps=$4
    shift 4
    sft_command "$OUTPUT_DIR/$phase" "$steps" 1 "${SFT[@]}" model.path="$(hydra_value "$model")" \
        data.train_files="$(hydra_value "$corpus/$phase.parquet")" "$@"
    stage "$phase" "$title" "${COMMAND[@]}"
    export_checkpoint "${phase}_export" "export" "$OUTPUT_DIR/$phase" "$model"
}
pretrain simple "where things are: pictures of one object" "$corpus/untrained" "$SIMPLE_STEPS" \
    optim.lr=2e-3 optim.lr_scheduler_type=constant optim.lr_warmup_steps=50
pretrain noisy "which of them is meant: one to three objects" "$OUTPUT_DIR/simple/hf" "$NOISY_STEPS" \
    optim.lr=2e-3 optim.lr_warmup_steps=20 optim.lr_scheduler_type=cosine optim.min_lr_ratio=0.02

if [[ $INSTALL == 1 ]]; then
    rm -rf verl_visual_rft/miniature/tiny_qwen2vl
    cp -r "$OUTPUT_DIR/noisy/hf" verl_visual_rft/miniature/tiny_qwen2vl
fi
echo "the pretrained tiny model: $OUTPUT_DIR/noisy/hf"
