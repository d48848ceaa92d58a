#!/usr/bin/env bash
# Let this host join the Ray cluster of a head that recipes/cluster/head.sh started.
#
#   bash recipes/cluster/join.sh HEAD:6379 [--block] [options of `ray start`]
#
# Variables (default):
#   WAIT (60)   seconds to wait for the head
#   NGPUS (all of the host; 1 rank on a CPU)   DEVICE=auto|cpu|cuda (auto)   NODE_IP (Ray's guess)
#   RAY_AUTH_MODE=token|disabled (token)   the token is ~/.ray/auth_token, the same as the head's
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source recipes/cluster/ray.sh
[[ ${1:-} != --help && ${1:-} != -h ]] || show_help

[[ ${1:-} =~ ^[^:/]+:[0-9]+$ ]] || die "which head? For example: bash recipes/cluster/join.sh 10.0.0.1:6379"
head=$1
shift
need_ray
use_token find
use_node
WAIT=${WAIT:-60}
number WAIT 0
until answers "${head%:*}" "${head##*:}"; do
    ((SECONDS < WAIT)) || die "no Ray head answers at $head; is recipes/cluster/head.sh running there, and does a firewall let $(hostname) through?"
    sleep 1
done
start_ray --address "$head" "${NODE[@]}" "$@"
echo "$(hostname) has joined $head"
