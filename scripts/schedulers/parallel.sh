#!/usr/bin/env bash
# A list in N processes of this machine by GNU parallel, with a log of what each one ended with.
#
#   MODEL=/models/sd-v1-4 LIST=list.jsonl OUT=pictures SHARDS=4 scripts/schedulers/parallel.sh
#
# The same command again makes what is missing: --resume-failed starts the parts that failed. Of
# several graphics cards each part can have one: add --adapter '{= $_ = $_ - 1 =}'.
set -euo pipefail

SHARDS=${SHARDS:-4}
mkdir -p "$OUT"
seq "$SHARDS" | parallel --quote --jobs "$SHARDS" --joblog "$OUT/joblog" --resume-failed \
    "${DARKROOM:-darkroom}" generate --model "$MODEL" --jobs "$LIST" --out-dir "$OUT" \
    --shard "{}/$SHARDS" --results "$OUT/results-{}.jsonl" ${MORE:-}
