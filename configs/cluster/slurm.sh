#!/bin/bash
# A study on nodes that Slurm gives: Ray starts on all of them, and the study on the first.
#
#   sbatch --nodes=4 configs/cluster/slurm.sh run configs/ring.yaml --out /shared/studies/ring \
#       --set resources.storage=/shared/ganstudy
#
# What follows the script are ganstudy's arguments. /shared is a folder that all nodes mount. When the time limit comes
# near, the study writes checkpoints and ends, and the job queues itself again: the same command then goes on.
#SBATCH --job-name=ganstudy
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=04:00:00
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=ganstudy-%j.log
set -euo pipefail

# Your cluster's own, as `module load cuda`; `ganstudy` and `ray` are to be found afterwards.
if [ -f "$HOME/.venvs/ganstudy/bin/activate" ]; then . "$HOME/.venvs/ganstudy/bin/activate"; fi

# Others on these nodes must not reach the study's Ray: the token lies in the home, which nodes share.
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
token=${RAY_AUTH_TOKEN_PATH:-$HOME/.ray/auth_token}
if [ ! -s "$token" ]; then ray get-auth-token --generate > /dev/null; chmod 600 "$token"; fi

nodes=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
first=$(head --lines=1 <<< "$nodes")
others=$(tail --lines=+2 <<< "$nodes" | paste --serial --delimiters=,)
count=$(wc --lines <<< "$nodes")
address=$(srun --nodes=1 --ntasks=1 --nodelist="$first" hostname --ip-address | awk '{print $1}')
port=$((20000 + SLURM_JOB_ID % 10000))  # two jobs may share a node's address, not a port
size=(--num-cpus="${SLURM_CPUS_ON_NODE:-$(nproc)}" --num-gpus="${SLURM_GPUS_ON_NODE:-0}")

# Ends with the job: Slurm kills what srun started.
srun --overlap --nodes=1 --ntasks=1 --nodelist="$first" \
    ray start --head --node-ip-address="$address" --port="$port" --include-dashboard=false "${size[@]}" --block &
ray_head=$!
export RAY_ADDRESS=$address:$port
alive() { python3 -c 'import ray; ray.init(logging_level="ERROR"); print(sum(n["Alive"] for n in ray.nodes()))' 2> /dev/null; }
for _ in $(seq 60); do
    if [ "$(alive)" = 1 ]; then break; fi
    if ! kill -0 "$ray_head" 2> /dev/null; then echo "Ray did not start on $first" >&2; exit 1; fi
    sleep 2
done
if [ -n "$others" ]; then
    srun --overlap --nodes=$((count - 1)) --ntasks=$((count - 1)) --nodelist="$others" \
        ray start --address="$address:$port" "${size[@]}" --block &
    for _ in $(seq 30); do  # a node that takes longer joins later
        if [ "$(alive)" = "$count" ]; then break; fi
        sleep 2
    done
fi

ganstudy "$@" &
study=$!
near_end=
trap 'near_end=yes; kill -USR1 "$study" 2> /dev/null || true' USR1 TERM
status=0
wait "$study" || status=$?
while kill -0 "$study" 2> /dev/null; do  # a signal ends `wait`, not the study
    status=0
    wait "$study" || status=$?
done
if [ -n "$near_end" ] && [ "$status" -ne 0 ]; then
    echo "the time is up, the study is not done: queued again"
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
