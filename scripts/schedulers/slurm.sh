#!/usr/bin/env bash
# A list as a Slurm array: each task makes its part, in the folder that all share.
#
#   sbatch --export=ALL,MODEL=/models/sd-v1-4,LIST=list.jsonl,OUT=pictures scripts/schedulers/slurm.sh
#
# A task that ended with 75 has more to do (its time limit, a lost device): it is put into the queue
# again, up to six times, and goes on where it was. With 1, 2 or 3 it would fail again, so it stays failed.
#SBATCH --job-name=darkroom
#SBATCH --array=1-4
#SBATCH --time=01:00:00
#SBATCH --requeue
#SBATCH --open-mode=append

SHARDS=${SHARDS:-4}
srun "${DARKROOM:-darkroom}" generate --model "$MODEL" --jobs "$LIST" --out-dir "$OUT" \
    --shard auto --shards "$SHARDS" --results "$OUT/results-$SLURM_ARRAY_TASK_ID.jsonl" \
    --time-limit "${LIMIT:-55m}" ${MORE:-}
code=$?
if [ $code -eq 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 6 ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit $code
