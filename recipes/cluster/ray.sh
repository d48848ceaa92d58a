# shellcheck shell=bash
# What the cluster scripts share. Sourced, from the repository root.

CALLER=${OLDPWD:-$PWD} # from where the script was called, before it went to the root
source recipes/common.sh

# What comes from outside is checked before it is used: in bash's arithmetic a value is a program.
number() { # VARIABLE LEAST
    [[ ${!1} =~ ^(0|[1-9][0-9]{0,8})$ && ${!1} -ge $2 ]] || die "$1=${!1} is not a whole number from $2"
}

# A path of the user's: where it is relative, it is seen from where the script was called.
from_caller() { # PATH
    (cd "$CALLER" && realpath --canonicalize-missing -- "$1")
}

# Print the head of the script that is running, for --help.
show_help() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
    exit 0
}

need_ray() {
    [[ ! -f .venv/bin/activate ]] || source scripts/activate.sh
    command -v ray > /dev/null || die "no Ray on $(hostname); install the environment on every host: bash scripts/setup.sh"
}

# The address that Ray takes for this host's own (`hostname --ip-address` is often 127.0.1.1).
# shellcheck disable=SC2034 # of head.sh and slurm.sh
OWN_ADDRESS='import ray.util; print(ray.util.get_node_ip_address())'

# Whether something listens there. Both are data: bash opens what is between quotes, and runs nothing of it.
answers() { # HOST PORT
    [[ $1 =~ ^[A-Za-z0-9._:-]+$ ]] || die "$1 is no host name or address"
    [[ $2 =~ ^[1-9][0-9]{0,4}$ && $2 -le 65535 ]] || die "$2 is no port from 1 to 65535"
    # shellcheck disable=SC2016 # the inner bash expands its own arguments
    timeout 5 bash -c 'exec 3<> "/dev/tcp/$0/$1"' "$1" "$2" 2> /dev/null
}

# From version 2.59 on a head asks for a token as soon as its user has one, which any Ray run makes; those who join must
# say that they bring it (RAY_AUTH_MODE). With no token, whoever reaches the port runs code on the cluster.
use_token() { # generate|find
    export RAY_AUTH_MODE=${RAY_AUTH_MODE:-token}
    [[ $RAY_AUTH_MODE == token && -z ${RAY_AUTH_TOKEN:-} ]] || return 0
    local file=${RAY_AUTH_TOKEN_PATH:-$HOME/.ray/auth_token}
    [[ -s $file || $1 != generate ]] || (umask 077 && ray get-auth-token --generate > /dev/null)
    [[ -s $file ]] || die "no token in $file on $(hostname); copy the head's there (mode 600), or set RAY_AUTH_MODE=disabled on all hosts of a network that is yours alone"
}

# NODE: what this host gives to the cluster. On a CPU, Ray's resources are bookkeeping (training/config/device/cpu.yaml).
use_node() {
    local device=${DEVICE:-auto} gpus settings setting
    [[ -z ${NGPUS:-} ]] || number NGPUS 1
    case $device in
        auto)
            gpus=$(python3 -m verl_visual_rft.gpus)
            if ((gpus)); then device=cuda; else device=cpu; fi
            ;;
        cpu | cuda) ;;
        *) die "DEVICE=$device is not known; choose auto, cpu or cuda" ;;
    esac
    settings=$(python -m verl_visual_rft.runs.device "$device" "${NGPUS:-1}")
    while IFS= read -r setting; do [[ -z $setting ]] || export "${setting?}"; done <<< "$settings"
    NODE=(--disable-usage-stats)
    [[ -z ${NODE_IP:-} ]] || NODE+=(--node-ip-address "$NODE_IP")
    if [[ $device == cpu ]]; then
        NODE+=(--num-gpus "${NGPUS:-1}" --num-cpus 24 --object-store-memory 1073741824)
    elif [[ -n ${NGPUS:-} ]]; then
        NODE+=(--num-gpus "$NGPUS")
    fi
}

# Start Ray's part of this host; with --block in the foreground, as SLURM wants it.
start_ray() { # ARGUMENTS...
    if [[ " $* " == *" --block "* ]]; then
        exec ray start "$@"
    fi
    quietly ray start "$@"
}

# Run a command and show what it printed only where it failed. A file, not $(...): that would wait for the daemons, too.
quietly() { # COMMAND...
    local printed
    printed=$(mktemp)
    "$@" &> "$printed" || {
        tail -n 20 "$printed" >&2
        rm "$printed"
        die "$1 $2 failed on $(hostname), see above"
    }
    rm "$printed"
}

# Wait until the cluster of RAY_ADDRESS has so many nodes.
wait_for_nodes() { # COUNT
    WAIT=${WAIT:-60}
    number WAIT 0
    local nodes=0 end=$((SECONDS + WAIT))
    until ((nodes >= $1)); do
        ((SECONDS < end)) || die "only $nodes of $1 nodes have joined $RAY_ADDRESS within $WAIT seconds"
        sleep 2
        nodes=$(ray status --address "$RAY_ADDRESS" 2> /dev/null | sed -n '/^Active:/,/^Pending:/p' | grep -c node_ || true)
    done
}
