#!/usr/bin/env bash
# Run a recipe over the nodes of a SLURM job: a Ray cluster over all of them, the recipe on the first.
#
#   SHOTS=4 sbatch --nodes 2 --gpus-per-node 8 recipes/cluster/slurm.sh recipes/coco_fewshot_7b.sh [veRL overrides]
#
# To be called in the repository's root, on storage that all nodes share, with its environment installed there; the
# recipe's variables are passed on. After a lost node SLURM starts the job again and the recipe resumes.
#
# Variables (default):
#   PORT (6379)   of the head     NODE_IP (Ray's guess)   of the first node     WAIT (300)   seconds for all nodes
#SBATCH --job-name visual-rft
#SBATCH --ntasks-per-node 1
#SBATCH --exclusive
#SBATCH --requeue
#SBATCH --open-mode append
set -euo pipefail
if [[ ${1:-} == --help || ${1:-} == -h ]]; then
    sed -n '/^#SBATCH/q; 2,$s/^# \{0,1\}//p' "$0"
    exit 0
fi
if [[ -z ${SLURM_JOB_ID:-} ]]; then
    echo "error: not in a SLURM job; start it with sbatch (--help shows how)" >&2
    exit 1
fi
cd "$SLURM_SUBMIT_DIR"
source recipes/cluster/ray.sh

[[ -f ${1:-} ]] || die "which recipe? For example: sbatch --nodes 2 --gpus-per-node 8 recipes/cluster/slurm.sh recipes/coco_fewshot_2b.sh"
export WAIT=${WAIT:-300} PORT=${PORT:-6379}
export NNODES=$SLURM_JOB_NUM_NODES NGPUS=${NGPUS:-$SLURM_GPUS_ON_NODE}
need_ray
mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")

# A step takes one core and no GPU of what another step has, unless it is told otherwise.
on() { # HOST COMMAND...
    srun --overlap --nodes 1 --ntasks 1 --cpus-per-task "$SLURM_CPUS_ON_NODE" --nodelist "$1" "${@:2}"
}

head_ip=${NODE_IP:-$(on "${hosts[0]}" python -c "$OWN_ADDRESS")}
on "${hosts[0]}" env NODE_IP="$head_ip" bash recipes/cluster/head.sh --block &
for host in "${hosts[@]:1}"; do
    on "$host" env -u NODE_IP bash recipes/cluster/join.sh "$head_ip:$PORT" --block &
done
export RAY_ADDRESS=$head_ip:$PORT
wait_for_nodes "$NNODES"
exec bash "$@" # which gets the signals that SLURM sends to this script
