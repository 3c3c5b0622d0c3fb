#!/bin/bash
# One net of the paper on several nodes under Slurm: sbatch examples/slurm.sh D runs/D-256 --S 256 --init-from runs/A-256
#
# Slurm sends SIGTERM two minutes before the time is up: the step in hand is finished, a checkpoint written, and the job
# queued again. --resume then goes on from there, so the same script serves the first start and every later one.
#SBATCH --job-name=vggstudy
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -uo pipefail

config=$1 out=$2
shift 2
first_node=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)

# One torchrun a node; each starts a process a GPU. The batch of 256 is shared out, so its result does not depend on the
# number of processes; --workers are threads of each process.
srun torchrun \
    --nnodes "$SLURM_NNODES" \
    --nproc-per-node "$SLURM_GPUS_PER_NODE" \
    --rdzv-id "$SLURM_JOB_ID" \
    --rdzv-backend c10d \
    --rdzv-endpoint "$first_node:29500" \
    -m vggstudy train "$config" --data "imagenet:${IMAGENET:?set it to the folder of ILSVRC-2012}" \
    --workers 8 --save-every 1000 --out "$out" --resume "$@"
status=$?

# 0: finished. Anything else may be the end of the time: go on in a new allocation, but not for ever after an error.
if [ "$status" -ne 0 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 30 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
