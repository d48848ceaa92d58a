# shellcheck shell=bash
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
#
# Sourced by setup.sh: uv, and the package indexes that it asks. An index that cannot be reached is an error within 30 s.
# shellcheck disable=SC2154 # log, constraints and locked() are of setup.sh

uv() { python -m uv "$@" --python "$(command -v python)"; }

pip_setting() { # pip_setting NAME: as `pip install` would take it from its variables, its files and their sections
    local level value
    for level in :env: install global; do
        value=$(sed -n "s/^$level\.$1='\(.*\)'$/\1/p" <<<"$pip_config")
        if [[ -n $value ]]; then
            printf '%b' "$value" | tr -s '[:space:]' ' '
            return
        fi
    done
}

# uv reads no configuration of pip's, where a mirror, its certificate and local wheels are named. What uv's own variables
# name already stays.
use_pip_indexes() {
    local pip_config links
    pip_config=$(python -m pip config list)
    export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$(pip_setting index-url)}
    export UV_INDEX=${UV_INDEX:-$(pip_setting extra-index-url)}
    if [[ -n $UV_INDEX ]]; then # pip takes the best version of all indexes; uv by itself that of the first that has the package
        export UV_INDEX_STRATEGY=${UV_INDEX_STRATEGY:-unsafe-best-match}
    fi
    links=$(pip_setting find-links)
    export UV_FIND_LINKS=${UV_FIND_LINKS:-${links// /,}}
    export UV_INSECURE_HOST=${UV_INSECURE_HOST:-$(pip_setting trusted-host)}
    export SSL_CERT_FILE=${SSL_CERT_FILE:-$(pip_setting cert)}
    export ALL_PROXY=${ALL_PROXY:-$(pip_setting proxy)}
    local variable
    for variable in UV_DEFAULT_INDEX UV_INDEX UV_FIND_LINKS UV_INSECURE_HOST SSL_CERT_FILE ALL_PROXY; do
        if [[ -z ${!variable} ]]; then unset "$variable"; fi
    done
}

get_uv() { # install uv, at the locked version, into the environment
    local wanted reason
    wanted=uv==$(locked uv)
    if ! python -m pip --version >>"$log" 2>&1; then python -m ensurepip >>"$log" 2>&1; fi
    use_pip_indexes
    if [[ $(python scripts/setup/installed.py uv) == "${wanted/==/ }" ]]; then return; fi
    echo "installing $wanted"
    if ! python -m pip install --disable-pip-version-check --log "$log" --timeout 5 --retries 1 "$wanted" >/dev/null 2>&1; then
        reason=$(sed -n 's/.*\(The repository located at .* is not a trusted or secure host\) and is being ignored.*/\1/p; s/.*\(Could not fetch URL .*\) - skipping$/\1/p; s/.*ERROR: .*\(\[Errno .*\)/\1/p; s/.*\(Connection to .* timed out\).*/Could not fetch it: \1/p' "$log" | head -n 1)
        fail_of_installer "pip cannot install $wanted" "${reason:-$(grep -m 1 -o 'ERROR: .*' "$log" || true)}"
    fi
}

ask_index() { # ask_index REQUIREMENT [uv options...]: 0 the indexes have it, 1 they do not, 2 one cannot be asked
    : >"$log.uv"
    UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-5} UV_HTTP_RETRIES=1 uv pip install --dry-run --no-deps --reinstall "$@" 2>&1 | tee -a "$log" >"$log.uv"
}

has_index() {
    local status=0
    ask_index "$@" || status=$?
    if [[ $status -gt 1 ]]; then fail_of_uv "cannot ask for $1"; fi
    return "$status"
}

need_index() { has_index "$@" || fail_of_uv "cannot find $1 at ${UV_DEFAULT_INDEX:-PyPI} ${UV_INDEX:-} ${*:2}"; }

fail_of_uv() { # fail_of_uv WHAT: with the error that uv has written to $log.uv, as one line
    local error
    error=$(sed -n '/^error: /,$ s/^ *\(error: \|hint: \)\{0,1\}//p' "$log.uv" | paste -sd' ' | sed 's/ *cause: /: /g')
    fail_of_installer "uv $1" "$error"
}

fail_of_installer() { # fail_of_installer WHAT REASON
    local remedy="see $log, and run this again; what was downloaded is kept"
    case $2 in
        *"No space left"*) remedy="free space (df -h '$prefix' '${UV_CACHE_DIR:-$HOME/.cache/uv}' /tmp), and run this again" ;;
        *"not a trusted or secure host"*) remedy="name its https address, or let pip trust it: python -m pip config set global.trusted-host HOST" ;;
        *"Failed to fetch"* | *"Could not fetch"* | *"not found in the package registry"*)
            remedy="check the network, or name an index that has it: python -m pip config set global.index-url URL (all output: $log)"
            ;;
    esac
    fail "$(sed -E 's#//[^/@ ]*@#//#g; s/ +/ /g; s/ :/:/g' <<<"$1: ${2%.}. Remedy: $remedy")" # without the password of an index
}
