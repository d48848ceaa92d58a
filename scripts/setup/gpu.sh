# shellcheck shell=bash
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
#
# Sourced by setup.sh: can this machine run what the extra `gpu` installs, and build flash-attn? Before anything is installed.

DRIVER=580.65.06  # the first for CUDA 13.0, which PyPI's torch 2.11 is built for
TOOLKIT=13        # torch refuses to build extensions with another major version of nvcc than its own
JOB_GIB=9         # of memory for each job of flash-attn's build, by its setup.py

check_gpu() {
    local driver
    if ! command -v nvidia-smi >/dev/null; then
        fail "no nvidia-smi on PATH, so no NVIDIA driver. Remedy: install driver $DRIVER or newer, or: scripts/setup.sh cpu"
    fi
    driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>&1 | head -n 1) ||
        fail "nvidia-smi finds no GPU: $driver. Remedy: see that the driver is loaded and the container sees the GPUs (docker run --gpus all)"
    older_than "$driver" "$DRIVER" &&
        fail "NVIDIA driver $driver is too old: CUDA 13.0, which torch $(locked torch) is built for, needs $DRIVER. Remedy: update the driver"
    if [[ $(python scripts/setup/installed.py flash-attn) != "flash-attn $(locked flash-attn)" ]]; then check_compiler; fi
}

older_than() { # older_than VERSION OTHER
    [[ $1 != "$2" && $(printf '%s\n' "$1" "$2" | sort --version-sort | head -n 1) == "$1" ]]
}

check_compiler() { # what builds flash-attn: nvcc where torch looks for it, a C++ compiler, memory
    local cuda=${CUDA_HOME:-${CUDA_PATH:-}} nvcc release
    nvcc=${cuda:+$cuda/bin/nvcc}
    nvcc=${nvcc:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
    if [[ ! -x $nvcc ]]; then
        fail "flash-attn is compiled here, and there is no $nvcc. Remedy: install the CUDA toolkit $TOOLKIT (apt-get install cuda-toolkit-$TOOLKIT-0), or set CUDA_HOME"
    fi
    release=$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\).*/\1/p')
    if [[ ${release%%.*} != "$TOOLKIT" ]]; then
        fail "$nvcc is of CUDA ${release:-unknown}, and torch $(locked torch) is built for CUDA $TOOLKIT. Remedy: install the CUDA toolkit $TOOLKIT, and set CUDA_HOME to it"
    fi
    if ! command -v "${CXX:-c++}" >/dev/null; then
        fail "no C++ compiler ${CXX:-c++}, which flash-attn's build needs. Remedy: apt-get install g++"
    fi
    if [[ -z ${MAX_JOBS:-} && $(flash_attn_jobs) == 0 ]]; then
        fail "flash-attn's build needs $JOB_GIB GiB of memory, available are $(available_gib). Remedy: free memory, or try MAX_JOBS=1 scripts/setup.sh gpu"
    fi
}

available_gib() { # a container's own limit counts, which flash-attn's setup.py does not see
    local bytes limit
    bytes=$(awk '/^MemAvailable/ { printf "%d", $2 * 1024 }' /proc/meminfo)
    if [[ -r /sys/fs/cgroup/memory.max && $(</sys/fs/cgroup/memory.max) != max ]]; then
        limit=$(($(</sys/fs/cgroup/memory.max) - $(</sys/fs/cgroup/memory.current)))
        if ((limit < bytes)); then bytes=$limit; fi
    fi
    echo $((bytes >> 30))
}

flash_attn_jobs() { # how many compilers run beside each other: half the cores, if memory allows
    local by_cores=$((($(nproc) + 1) / 2)) by_memory=$(($(available_gib) / JOB_GIB))
    echo $((by_cores < by_memory ? by_cores : by_memory))
}
