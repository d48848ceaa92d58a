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

# Print the first Python that can read this package, whatever is installed in it. Of what set-up made before its own
# comes first: rewards and tasks of other packages are known there alone.
find_python() {
    local python candidates=(python3 python3.12 python3.11 python3.10)
    if ! command -v visual-rft > /dev/null; then candidates=(.venv/bin/python "${candidates[@]}"); fi
    for python in "${candidates[@]}"; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2> /dev/null; then
            echo "$python"
            return
        fi
    done
    die "no Python 3.10-3.12 on PATH. Remedy: apt-get install python3 python3-venv (or: conda create -n visual-rft python=3.11, and activate it)"
}

# Run what verl_visual_rft/runs has under a name; its variables are those of the environment. They are checked before
# anything is installed: for that, as for --help and DRY_RUN=1, any Python from 3.10 on will do.
run() { # NAME [veRL override ...]
    local caller=${OLDPWD:-$PWD} device python # the folder from which the recipe was called, before it went to the root
    python=$(find_python)
    if [[ ${DRY_RUN:-0} != 1 && ${2:-} != -h && ${2:-} != --help ]]; then
        device=$("$python" -m verl_visual_rft.runs device "$caller" "$@")
        use_environment "$device"
        python=$(find_python) # of the environment
    fi
    exec "$python" -m verl_visual_rft.runs run "$caller" "$@"
}
