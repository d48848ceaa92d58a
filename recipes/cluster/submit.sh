#!/usr/bin/env bash
# Run a recipe as a job of a Ray cluster and follow its log. Ctrl-C ends the following; the job goes on.
#
#   NNODES=2 NGPUS=8 SHOTS=4 bash recipes/cluster/submit.sh recipes/coco_fewshot_2b.sh [veRL overrides]
#
# To be called on the head, from a checkout that is there under the same path; the recipe's variables are passed on.
#   DASHBOARD (127.0.0.1:8265)   another host's, through a tunnel say
#   ray job stop ID --address ...       ends the job as Ctrl-C ends a recipe
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source recipes/cluster/ray.sh
[[ ${1:-} != --help && ${1:-} != -h ]] || show_help

DASHBOARD=${DASHBOARD:-127.0.0.1:8265}
[[ -f ${1:-} ]] || die "which recipe? For example: bash recipes/cluster/submit.sh recipes/coco_fewshot_2b.sh"
need_ray
use_token find
answers "${DASHBOARD%:*}" "${DASHBOARD##*:}" || die "no Ray dashboard answers at $DASHBOARD; start the head on this host: bash recipes/cluster/head.sh"

for name in OUTPUT_DIR DATA_ROOT EXIST_MAPS; do
    [[ -z ${!name:-} ]] || printf -v "$name" '%s' "$(from_caller "${!name}")"
done
for name in MODEL SAM; do # else a name on the hub, or absolute
    [[ -z ${!name:-} || ! -d $CALLER/${!name} ]] || printf -v "$name" '%s' "$(from_caller "${!name}")"
done
settings=()
names=$(python -m verl_visual_rft.runs variables / "$(basename "$1" .sh)") # a failure here ends the script
for name in $names; do
    [[ -z ${!name+set} ]] || settings+=("$name=${!name}")
done
exec ray job submit --address "http://$DASHBOARD" -- env --chdir="$PWD" "${settings[@]}" bash "$@"
