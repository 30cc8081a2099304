// The queue's runner: jobs one after another, whatever becomes of each.

import assert from "node:assert/strict";
import test from "node:test";
import { createRunner } from "../../../web/queue/runner.js";
import { createPage } from "../../../web/state/page.js";

/** @typedef {import("../../../web/storage/jobs.js").Job} Job */
/** @typedef {import("../../../web/session/protocol.js").Outcome} Outcome */

/**
 * A runner over jobs in memory.
 * @param {Job["state"][]} states of the jobs 1, 2, …
 * @param {(id: number) => Outcome | Promise<Outcome>} make
 * @param {object} [others]
 * @param {Promise<void>} [others.idle] resolves when the user's task has ended
 * @param {boolean} [others.elsewhere] whether the queue of another tab runs
 */
function queueOf(states, make, { idle = Promise.resolve(), elsewhere = false } = {}) {
  const state = createPage();
  const jobs = new Map(
    states.map((one, i) => [i + 1, /** @type {Job} */ ({ id: i + 1, fields: {}, state: one })]),
  );
  for (const job of jobs.values()) job.fields = { prompt: String(job.id) };
  /** @type {number[]} */
  const ended = [];
  /** @type {unknown[]} */
  const faults = [];
  /** Calls what hears of images. */
  let hear = () => {};
  const runner = createRunner(state, {
    list: async () => [...jobs.values()],
    change: async (job, from) => {
      const before = jobs.get(job.id);
      const fits = before !== undefined && (!from || before.state === from);
      if (fits) jobs.set(job.id, job);
      return fits;
    },
    idle: () => idle,
    make: async ({ id }) => make(id),
    hold: async () => () => {},
    alone: async (work) => (elsewhere ? false : work().then(() => true)),
    onMade: (own) => ((hear = own), () => (hear = () => {})),
    onEnd: (done) => void ended.push(done),
    onFault: (error) => void faults.push(error),
  });
  const told = () => [...jobs.values()].map((job) => job.reason ?? job.state).join(" ");
  return { state, jobs, runner, ended, faults, told, made: () => hear() };
}

test("all that waits is made, one at a time, and the end is told", async () => {
  let running = 0;
  const queue = queueOf(["done", "waiting", "failed", "waiting"], async (id) => {
    assert.equal(++running, 1);
    assert.equal(queue.jobs.get(id)?.state, "running");
    assert.ok(queue.state.get().queueRuns);
    await new Promise((resolve) => setTimeout(resolve, 2));
    running -= 1;
    return /** @type {const} */ ("done");
  });
  await queue.runner.run();
  assert.equal(queue.told(), "done done failed done");
  assert.deepEqual(queue.ended, [2]);
  assert.equal(queue.state.get().queueRuns, false);
});

test("a job that fails has its reason and does not end the queue", async () => {
  const queue = queueOf(["waiting", "waiting"], (id) =>
    id === 1 ? { failed: "steps: 0", engineGone: false } : "done",
  );
  await queue.runner.run();
  assert.equal(queue.told(), "steps: 0 done");
});

test("where the engine is gone the rest waits, and no end is told", async () => {
  const queue = queueOf(["waiting", "waiting"], () => ({ failed: "lost", engineGone: true }));
  await queue.runner.run();
  assert.equal(queue.told(), "lost waiting");
  assert.deepEqual(queue.ended, []);
});

test("a cancel puts the job back and stops", async () => {
  const queue = queueOf(["waiting", "waiting"], () => "cancelled");
  await queue.runner.run();
  assert.equal(queue.told(), "waiting waiting");
  assert.equal(queue.state.get().queueRuns, false);
});

test("a stop lets the job that runs end; a start before that goes on", async () => {
  /** @type {number[]} */
  const made = [];
  const queue = queueOf(["waiting", "waiting", "waiting"], (id) => {
    made.push(id);
    if (id === 1) {
      queue.state.set({ queueRuns: false });
      void queue.runner.run();
    }
    if (id === 2) queue.state.set({ queueRuns: false });
    return "done";
  });
  await queue.runner.run();
  assert.deepEqual(made, [1, 2]);
  assert.equal(queue.told(), "done done waiting");
  assert.deepEqual(queue.ended, []);
});

test("what was running when the page was closed runs again", async () => {
  const queue = queueOf(["done", "running", "waiting"], () => "done");
  await queue.runner.resume(true);
  assert.equal(queue.told(), "done done done");
  assert.deepEqual(queue.ended, [2]);
});

test("what was running waits if the queue was stopped before the page was closed", async () => {
  const queue = queueOf(["done", "running", "waiting"], () => "done");
  await queue.runner.resume(false);
  assert.equal(queue.told(), "done waiting waiting");
});

test("what another tab is making is left to it", async () => {
  const queue = queueOf(["running", "waiting"], () => "done", { elsewhere: true });
  await queue.runner.resume(true);
  assert.equal(queue.told(), "running waiting");
});

test("a job begins when the user's image is made, which does not count as its own", async () => {
  let end = () => {};
  const idle = new Promise((/** @type {(value: void) => void} */ resolve) => (end = resolve));
  let made = 0;
  const queue = queueOf(["waiting"], () => ((made += 1), "cancelled"), { idle });
  Object.assign(queue.jobs.get(1)?.fields ?? {}, { count: "3" });
  const run = queue.runner.run();
  await new Promise((resolve) => setTimeout(resolve, 5));
  queue.made();
  assert.equal(made, 0);
  end();
  await run;
  assert.equal(made, 1);
  assert.equal(queue.jobs.get(1)?.fields["count"], "3");
});

test("a queue that is stopped while it waits makes nothing", async () => {
  let end = () => {};
  const idle = new Promise((/** @type {(value: void) => void} */ resolve) => (end = resolve));
  const queue = queueOf(["waiting"], () => assert.fail("made"), { idle });
  const run = queue.runner.run();
  queue.state.set({ queueRuns: false });
  end();
  await run;
  assert.equal(queue.told(), "waiting");
});

test("jobs that are added meanwhile are made too", async () => {
  const queue = queueOf(["waiting"], (id) => {
    if (id === 1) queue.jobs.set(2, { id: 2, fields: { prompt: "2" }, state: "waiting" });
    return "done";
  });
  await queue.runner.run();
  assert.equal(queue.told(), "done done");
});

test("a fault of the storage is told and ends it", async () => {
  const queue = queueOf(["waiting"], () => {
    throw new Error("no disk");
  });
  await queue.runner.run();
  assert.match(String(queue.faults[0]), /no disk/);
  assert.equal(queue.state.get().queueRuns, false);
});

test("a press of Generate runs its own jobs alone, and tells if one was cancelled", async () => {
  /** @type {number[]} */
  const made = [];
  const queue = queueOf(["waiting", "waiting", "waiting", "waiting"], (id) => {
    made.push(id);
    return id === 4 ? "cancelled" : "done";
  });
  for (const [id, click] of /** @type {[number, string][]} */ ([
    [2, "a"],
    [3, "b"],
    [4, "b"],
  ]))
    Object.assign(queue.jobs.get(id) ?? {}, { click });
  assert.equal(await queue.runner.run("a"), false);
  assert.deepEqual(made, [2]);
  assert.equal(await queue.runner.run("b"), true);
  assert.deepEqual(made, [2, 3, 4]);
  assert.equal(queue.told(), "waiting done done waiting");
});

test("after a reload the rest of a job is made; others only if they ran before", async () => {
  /** @type {unknown[]} */
  const counts = [];
  const queue = queueOf(["waiting", "running", "running"], (id) => {
    counts.push([id, queue.jobs.get(id)?.fields["count"], queue.jobs.get(id)?.fields["seed"]]);
    return "done";
  });
  const [first, second] = [queue.jobs.get(2), queue.jobs.get(3)];
  Object.assign(first ?? {}, { made: 7, click: "a" });
  Object.assign(first?.fields ?? {}, { count: "10", seed: "5" });
  Object.assign(second ?? {}, { made: 2, click: "a", fields: { prompt: "3", count: "2" } });
  await queue.runner.resume(true);
  assert.deepEqual(counts, [[2, "3", "12"]]);
  assert.equal(queue.told(), "waiting done done");
});

test("how many images of a job are made is stored after each", async () => {
  const queue = queueOf(["waiting"], async () => {
    queue.made();
    queue.made();
    await new Promise((resolve) => setTimeout(resolve, 2));
    assert.equal(queue.jobs.get(1)?.made, 2);
    return /** @type {const} */ ("cancelled");
  });
  Object.assign(queue.jobs.get(1)?.fields ?? {}, { count: "3" });
  await queue.runner.run();
  assert.equal(queue.jobs.get(1)?.made, undefined);
  assert.equal(queue.jobs.get(1)?.fields["count"], "1");
});

test("a job that was removed meanwhile is neither made nor stored again", async () => {
  /** @type {number[]} */
  const made = [];
  const queue = queueOf(["waiting", "waiting"], (id) => {
    made.push(id);
    return "done";
  });
  const [one] = [...queue.jobs.values()];
  let reads = 0;
  const values = queue.jobs.values.bind(queue.jobs);
  // The list is read before the job is removed.
  queue.jobs.values = () => {
    const all = [...values()];
    if (++reads === 1) queue.jobs.delete(one?.id ?? 0);
    return all[Symbol.iterator]();
  };
  await queue.runner.run();
  assert.deepEqual(made, [2]);
  assert.equal(queue.jobs.has(1), false);
});
