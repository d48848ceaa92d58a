#!/usr/bin/env bash
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
#
# Sourced: activates the repository's .venv unless an environment is active already (conda's base does not count as one).
if [[ -z "${VIRTUAL_ENV:-}" && (-z "${CONDA_PREFIX:-}" || "${CONDA_DEFAULT_ENV:-}" == base) ]]; then
    # shellcheck source=/dev/null
    source "$(dirname "${BASH_SOURCE[0]}")/../.venv/bin/activate"
fi
