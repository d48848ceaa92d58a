# shellcheck shell=bash
# Stages: commands that are run once. Sourced by common.sh.

# Settings of a command that leave its result what it is: how it is watched, saved and shared among devices. Whether a
# checkpoint can be read by as many ranks is checked where that matters (planning/inputs.py).
WITHOUT_EFFECT='^\+*((trainer\.(logger|project_name|experiment_name|save_freq|test_freq|val_before_train|log_val_generations'
WITHOUT_EFFECT+='|max_actor_ckpt_to_keep|max_ckpt_to_keep|rollout_data_dir|validation_data_dir|nnodes|n_gpus_per_node)'
WITHOUT_EFFECT+='|data\.val_(max_samples|batch_size)|visual_rft\.(samples.*|reward_timeout|poll_interval)|hydra\..*|ray_kwargs\..*|cluster'
WITHOUT_EFFECT+='|.*micro_batch_size_per_gpu|.*max_token_len_per_gpu|.*use_dynamic_bsz|.*offload(_policy)?|.*enable_gradient_checkpointing'
WITHOUT_EFFECT+='|.*rollout\.(gpu_memory_utilization|max_num_seqs|max_num_batched_tokens|free_cache_engine|enforce_eager))=|--(nproc_per_node|workers)=)'
# How long a training lasts: one that is to last longer goes on.
LENGTH='^(trainer\.total_(epochs|training_steps)=|--steps=)'

# stage NAME TITLE COMMAND...: run a command once. It is reused while it and all before it stay the same; one that was
# interrupted goes on, also with settings that have no effect on its result, and to more steps. What was made with other
# settings, in the folder of its name, is never removed: that is refused.
#   STAGES=KIND,...   only stages of these kinds (STAGE_KIND); what they build on must be done
#   DRY_RUN=1         print the command as a line of JSON instead
#   STAGE_LOG=FILE    keep the command's standard error there; STAGE_OUTPUT=FILE likewise its output
#   STAGE_ANSWERS=FILE.jsonl   what the stage makes of a model: made of another, or with other settings, it is set aside
STAGE_NUMBER=0
STAGE_KEY= # of what the next stage builds on
STAGE_LEFT_OUT=
STAGE_RAN= # the one before, where it was made in this start: what has no folder of its own is then made again
stage() {
    local name=$1 title=$2 stamp=$OUTPUT_DIR/.stages/$1 work known=no
    shift 2
    local settings=("${@//"$OUTPUT_DIR"/OUTPUT_DIR}") # a folder may be moved
    STAGE_NUMBER=$((STAGE_NUMBER + 1))
    work=$(stage_key "$WITHOUT_EFFECT|$LENGTH" "${settings[@]}")
    STAGE_KEY=$(stage_key "$WITHOUT_EFFECT" "${settings[@]}")
    local label="[$STAGE_NUMBER${STAGE_COUNT:+/$STAGE_COUNT}] $title"
    is_done "$stamp.done" "$OUTPUT_DIR/$name" && known=yes
    if ! selected; then
        [[ $known == yes ]] || STAGE_LEFT_OUT=${STAGE_LEFT_OUT:-$name}
        return 0
    fi
    if [[ ${DRY_RUN:-0} == 1 ]]; then
        print_stage "$name" "$title" "$@"
        return 0
    fi
    need_what_is_left_out
    local changes=
    [[ ! -f $stamp.begun ]] || changes=$(stage_changes "$stamp.begun" "${settings[@]}")
    if [[ $known == yes ]]; then
        echo "$label: done before, reused${changes:+; without effect on it: $changes}"
        STAGE_RAN=
        return 0
    fi
    if [[ -f $stamp.begun && -e $OUTPUT_DIR/$name ]]; then
        can_go_on "$stamp.begun" "$work" "$OUTPUT_DIR/$name" "${settings[@]}" \
            || die "$OUTPUT_DIR/$name was made with other settings: ${changes:-what it is made from was another}. It is not touched: give the earlier settings again, set OUTPUT_DIR to another folder, or remove $OUTPUT_DIR/$name to make it anew"
        label+=${changes:+: goes on, with $changes}
    elif [[ -f $stamp.begun && $(head -n 1 "$stamp.begun") != "$work" ]]; then
        set_aside "${STAGE_ANSWERS:-}"
    fi
    # A longer training that fails leaves the shorter one as it was.
    [[ -f $stamp.begun && $(head -n 1 "$stamp.begun") == "$work" ]] || rm -f "$stamp.done"
    { echo "$work" && stage_lines "${settings[@]}"; } > "$stamp.begun.partial"
    mv "$stamp.begun.partial" "$stamp.begun"
    echo "$label"
    local begin=$SECONDS
    run_logged "$title" "$@"
    printf '%s\n%s\n%s\n' "$STAGE_KEY" "$((SECONDS - begin))" "$(kind_of "$OUTPUT_DIR/$name")" > "$stamp.done.partial"
    mv "$stamp.done.partial" "$stamp.done"
    STAGE_RAN=$name
}

# Whether a stage was done with the settings of STAGE_KEY, and what it made is there.
is_done() { # STAMP FOLDER
    [[ -f $1 && $(sed -n 1p "$1") == "$STAGE_KEY" ]] || return 1
    if [[ $(sed -n 3p "$1") == made ]]; then [[ -e $2 ]]; else [[ -z $STAGE_RAN ]]; fi
}

kind_of() { # FOLDER
    if [[ -e $1 ]]; then echo made; else echo elsewhere; fi
}

# Settings, one a line: an option with its value.
stage_lines() { # SETTINGS...
    local word line=
    for word in "$@"; do
        if [[ $line == --* && $line != *=* && $line != *' '* && $word != -* ]]; then
            line+=" $(printf '%q' "$word")"
            continue
        fi
        [[ -z $line ]] || printf '%s\n' "$line"
        line=$(printf '%q' "$word")
    done
    [[ -z $line ]] || printf '%s\n' "$line"
}

# A hash of settings, without those that match PATTERN, and of all that they build on.
stage_key() { # PATTERN SETTINGS...
    local word
    {
        echo "$STAGE_KEY"
        for word in "${@:2}"; do
            [[ $word =~ $1 ]] || printf '%s\0' "$word"
        done
    } | sha256sum | cut -d ' ' -f 1
}

# What differs between the settings of STAMP and these: "NEW instead of OLD", or nothing.
stage_changes() { # STAMP SETTINGS...
    local before now gone added
    before=$(tail -n +2 "$1")
    if [[ -z $before ]]; then
        echo "those of an earlier version, which are not known"
        return
    fi
    now=$(stage_lines "${@:2}")
    added=$(comm -13 <(sort <<< "$before") <(sort <<< "$now") | paste -sd ' ')
    gone=$(comm -23 <(sort <<< "$before") <(sort <<< "$now") | paste -sd ' ')
    [[ -z $added$gone ]] || echo "${added:-nothing} instead of ${gone:-nothing}"
}

# Whether what STAMP began in FOLDER is the same work, and not trained beyond the steps that are asked for now.
can_go_on() { # STAMP WORK FOLDER SETTINGS...
    local before now last
    [[ $(head -n 1 "$1") == "$2" ]] || return 1
    before=$(sed -n 's/^trainer\.total_training_steps=//p' "$1" | tail -n 1)
    now=$(printf '%s\n' "${@:4}" | sed -n 's/^trainer\.total_training_steps=//p' | tail -n 1)
    last=$(find "$3/checkpoints" -maxdepth 1 -name 'global_step_*' 2> /dev/null | sed 's/.*_//' | sort -n | tail -n 1)
    [[ $now == "$before" ]] || [[ $before$now =~ ^[0-9]+$ && $now -ge ${last:-0} ]]
}

# Keep a file, and what lies beside it under its name, under a free number: answers.jsonl as answers.1.jsonl.
set_aside() { # FILE.jsonl
    [[ -s $1 ]] || return 0
    local stem=${1%.jsonl} number=1 file
    while [[ -e $stem.$number.jsonl ]]; do number=$((number + 1)); done
    echo "$1 was made with other settings: kept as $stem.$number.jsonl"
    for file in "$stem.meta.json" "$stem.existence.json" "$1"; do
        [[ ! -e $file ]] || mv -- "$file" "$stem.$number${file#"$stem"}"
    done
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
    run_passing_signals "$@" >&3 2>&4 3>&- 4>&- || status=$?
    exec 3>&- 4>&-
    [[ $status != 0 ]] || return 0
    [[ -n ${STAGE_LOG:-} ]] || exit "$status"
    tail -n 3 "$STAGE_LOG" >&2
    die "$title failed; the whole log: $STAGE_LOG"
}

# Run a command as a job of its own: else bash would sit out a signal that comes while it waits. Batch systems send SIGTERM
# to a recipe, and its training then saves the step at hand.
run_passing_signals() { # COMMAND...
    local job='' asked='' status=0
    # A terminal that hangs up ends the recipe, too.
    trap 'asked=TERM; [[ -z $job ]] || kill -TERM "$job" 2> /dev/null' TERM HUP
    trap 'asked=INT; [[ -z $job ]] || kill -INT "$job" 2> /dev/null' INT
    set -m
    "$@" &
    job=$!
    set +m
    [[ -z $asked ]] || kill "-$asked" "$job" 2> /dev/null || true
    while true; do
        status=0
        wait "$job" || status=$?
        kill -0 "$job" 2> /dev/null || break
    done
    trap - TERM INT HUP
    return "$status"
}
