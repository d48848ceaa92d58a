#!/usr/bin/env bash
# Make this host the head of a Ray cluster, on which recipes then run.
#
#   bash recipes/cluster/head.sh [--block] [options of `ray start`]
#
# Variables (default):
#   PORT (6379)   where other hosts join     DASHBOARD_PORT (8265)   where submit.sh submits, from this host only
#   NGPUS (all of the host; 1 rank on a CPU) DEVICE=auto|cpu|cuda (auto)
#   NODE_IP (Ray's guess)   address of this host by which the others reach it, where it has several
#   RAY_AUTH_MODE=token|disabled (token)   the token is ~/.ray/auth_token; it is made where there is none
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source recipes/cluster/ray.sh
[[ ${1:-} != --help && ${1:-} != -h ]] || show_help

PORT=${PORT:-6379}
DASHBOARD_PORT=${DASHBOARD_PORT:-8265}
need_ray
host=${NODE_IP:-$(python -c "$OWN_ADDRESS")}
for port in "$PORT" "$DASHBOARD_PORT"; do
    for address in 127.0.0.1 "$host"; do
        ! answers "$address" "$port" || die "port $port of this host is taken; end what listens there (a head of yours: bash recipes/cluster/stop.sh), or choose PORT and DASHBOARD_PORT"
    done
done
use_token generate
use_node
echo "head of a Ray cluster: $host:$PORT
  other hosts:  bash recipes/cluster/join.sh $host:$PORT
  a recipe:     RAY_ADDRESS=$host:$PORT NNODES=2 bash recipes/NAME.sh
  or as a job:  NNODES=2 bash recipes/cluster/submit.sh recipes/NAME.sh"
start_ray --head --port "$PORT" --dashboard-port "$DASHBOARD_PORT" "${NODE[@]}" "$@"
