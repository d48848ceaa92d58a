# shellcheck shell=bash disable=SC2034 # what it sets is used by the scripts that source it
# Sourced by experiment.sh for SMOKE=1: the same stages, so small that a CPU does them in minutes.

STEPS=2
ROLLOUTS=2
PROMPTS=4
ROWS=32
EVERY=2
DATA_OPTIONS+=(--max-pixels 12544 --workers 1)
RFT=(
    data.val_max_samples=8 data.val_batch_size=8 data.max_response_length=32 trainer.val_before_train=false
    actor_rollout_ref.rollout.max_num_seqs=16
)
PREDICT=(--max-tokens 32 --max-model-len 1152 --dtype float32)

# A tiny random model in the place of the paper's, and data sets of drawn pictures in their original layouts.
make_miniatures() {
    local STAGE_KIND=data STAGE_LOG script
    if [[ $MODEL == "$DEFAULT_MODEL" ]]; then
        MODEL=$OUTPUT_DIR/model
        STAGE_LOG=$OUTPUT_DIR/model.log
        stage model "a tiny random model" python -m verl_visual_rft.miniature.tiny_model --family "$FAMILY" --out "$MODEL"
    fi
    if [[ -n ${SAM:-} ]]; then
        SAM=$OUTPUT_DIR/sam
        STAGE_LOG=$OUTPUT_DIR/sam.log
        stage sam "a tiny random SAM" python -m verl_visual_rft.miniature.tiny_sam --out "$SAM"
    fi
    STAGE_LOG=
    if [[ -z ${DATA_ROOT:-} ]]; then
        for script in "${DATA_SETS[@]}"; do
            stage "original_$script" "miniature data set: $script" visual-rft data fake "${script/lisa/reasonseg}" --out "$(original "$script")"
        done
    fi
}
