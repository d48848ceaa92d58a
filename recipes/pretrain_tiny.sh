#!/usr/bin/env bash
# Make the quick start's base model again from nothing: a tiny Qwen2-VL, pretrained with veRL's SFT trainer on a corpus of
# mixed conventions (about 15 minutes on 2 cores). See verl_visual_rft/datasets/conventions.py for what and why.
#
#   OUTPUT_DIR=outputs/pretrain_tiny SEED=0 bash recipes/pretrain_tiny.sh
#   INSTALL=1 bash recipes/pretrain_tiny.sh      also put the model in the place of the shipped one
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

OUTPUT_DIR=${OUTPUT_DIR:-outputs/pretrain_tiny}
SEED=${SEED:-0}
INSTALL=${INSTALL:-0}
SIMPLE_STEPS=${SIMPLE_STEPS:-300}
MIXED_STEPS=${MIXED_STEPS:-1500}
BATCH=32
STAGE_COUNT=5

source recipes/common.sh
use_environment cpu
use_device cpu 1
lock_output

SFT=(
    sft_device=cpu
    data.train_batch_size="$BATCH" data.micro_batch_size_per_gpu="$BATCH" data.max_length=256
    optim.betas='[0.9,0.98]' optim.weight_decay=0.01
    trainer.seed="$SEED" trainer.total_epochs=1 trainer.save_freq=-1
)

corpus=$OUTPUT_DIR/corpus
stage corpus "corpora and untrained model" python -m verl_visual_rft.training.pretraining --out "$corpus" \
    --simple $((BATCH * SIMPLE_STEPS)) --mixed $((BATCH * MIXED_STEPS)) --seed "$SEED"
stage simple "where things are: pictures of one object" train_sft "$OUTPUT_DIR/simple" "$SIMPLE_STEPS" \
    "${SFT[@]}" model.path="$corpus/untrained" data.train_files="$corpus/simple.parquet" optim.lr=2e-3 optim.lr_warmup_steps=50
stage export_simple "export" export_checkpoint "$OUTPUT_DIR/simple" ""
stage mixed "which of them is meant: one to three objects" train_sft "$OUTPUT_DIR/mixed" "$MIXED_STEPS" \
    "${SFT[@]}" model.path="$OUTPUT_DIR/simple/hf" data.train_files="$corpus/mixed.parquet" optim.lr=2e-3 optim.lr_warmup_steps=20 \
    optim.lr_scheduler_type=cosine optim.min_lr_ratio=0.02
stage export_mixed "export" export_checkpoint "$OUTPUT_DIR/mixed" ""

if [[ $INSTALL == 1 ]]; then
    rm -rf verl_visual_rft/training/tiny_qwen2vl
    cp -r "$OUTPUT_DIR/mixed/hf" verl_visual_rft/training/tiny_qwen2vl
fi
echo "the pretrained tiny model: $OUTPUT_DIR/mixed/hf"
