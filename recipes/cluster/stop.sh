#!/usr/bin/env bash
# End Ray on this host: its part of the cluster, and every other Ray process of yours here, other runs' too.
#
#   bash recipes/cluster/stop.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source recipes/cluster/ray.sh
[[ ${1:-} != --help && ${1:-} != -h ]] || show_help

need_ray
quietly ray stop "$@"
echo "Ray on $(hostname) has ended"
