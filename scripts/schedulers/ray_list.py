"""A list by Ray: each worker process makes a part of it and holds the model while it does.

    pip install ray
    export MODEL=/models/sd-v1-4 LIST=list.jsonl OUT=pictures SHARDS=4
    python scripts/schedulers/ray_list.py

Ray starts a part again that ended with 75 or was killed; it goes on where it was.
"""
import os
import subprocess

import ray

SHARDS = int(os.environ.get("SHARDS", "4"))
AGAIN = [75, 130, 143, -2, -9, -15]


class Unfinished(Exception):
    pass


@ray.remote(num_cpus=1, max_retries=5, retry_exceptions=[Unfinished])
def part(number):
    out = os.environ["OUT"]
    command = [os.environ.get("DARKROOM", "darkroom"), "generate", "--model", os.environ["MODEL"]]
    command += ["--jobs", os.environ["LIST"], "--out-dir", out, "--shard", f"{number}/{SHARDS}"]
    command += ["--results", f"{out}/results-{number}.jsonl", *os.environ.get("MORE", "").split()]
    code = subprocess.run(command).returncode
    if code in AGAIN:
        raise Unfinished(f"part {number} ended with {code}")
    return code


if __name__ == "__main__":
    ray.init()
    print(ray.get([part.remote(number) for number in range(1, SHARDS + 1)]))
