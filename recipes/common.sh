# shellcheck shell=bash
# What all recipes share. Sourced from the repository root.

die() {
    echo "error: $*" >&2
    exit 1
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

# Run what verl_visual_rft/runs has under a name; its variables are those of the environment. They are checked before
# anything is installed: for that, as for --help and DRY_RUN=1, any Python will do.
run() { # NAME [veRL override ...]
    local caller=${OLDPWD:-$PWD} device # the folder from which the recipe was called, before it went to the root
    if [[ ${DRY_RUN:-0} != 1 && ${2:-} != -h && ${2:-} != --help ]]; then
        device=$(python3 -m verl_visual_rft.runs device "$caller" "$@")
        use_environment "$device"
    fi
    exec python3 -m verl_visual_rft.runs run "$caller" "$@"
}
