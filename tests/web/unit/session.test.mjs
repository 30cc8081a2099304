// The session: tasks one after another on one engine, its events, and how tasks end.

import assert from "node:assert/strict";
import test from "node:test";
import { CHOICE, fault, sessionOf, wanted } from "../harness/session.mjs";

test("a model is opened, known and ready", async () => {
  const { state, session, engine, named } = sessionOf();
  /** @type {string[]} */
  const phases = [];
  state.subscribe(["phase"], ({ phase }) => phases.push(phase));
  assert.equal(await session.open(CHOICE), "done");
  assert.deepEqual(phases, ["ready"]);
  assert.equal(state.get().opened?.engine, "models/demo · f32 · on the CPU");
  assert.deepEqual(engine.calls, [
    ["dispose"],
    ["open", "http://localhost/models/demo/", undefined],
  ]);
  assert.ok(session.has({ ...CHOICE }));
  assert.ok(!session.has({ ...CHOICE, how: { device: "cpu" } }));
  assert.deepEqual(named("said"), [["said", "Ready."]]);
  assert.equal(state.get().task, "");
});

test("images of one click have their own seeds, and each is kept", async () => {
  const { session, named, kept, engine } = sessionOf();
  await session.open(CHOICE);
  const last = "18446744073709551615";
  assert.equal(await session.make(() => wanted(last, 3)), "done");
  assert.deepEqual(engine.calls.slice(2), [
    ["generate", last, 1],
    ["generate", "0", 2],
  ]);
  const seeds = kept.map(({ request }) => request.seed);
  assert.deepEqual(seeds, [last, "0", "1"]);
  assert.deepEqual(
    named("made").map(([, made]) => [made.request.seed, made.model]),
    seeds.map((seed) => [seed, "models/demo"]),
  );
  assert.equal(kept[0].engine, "models/demo · f32 · on the CPU");
  assert.equal(named("run").length, 2);
  assert.equal(named("runEnd").length, 2);
});

test("a wrong request is told with its field, and the model stays open", async () => {
  const { state, session, engine, named } = sessionOf();
  await session.open(CHOICE);
  engine.onGenerate = () => {
    throw fault("request", "steps");
  };
  const outcome = await session.make(() => wanted());
  assert.deepEqual(outcome, { failed: "a fault: request", engineGone: false });
  assert.equal(state.get().phase, "ready");
  const [, told] = named("fault")[0] ?? [];
  assert.deepEqual([told.kind, told.field, told.show], ["request", "steps", true]);
  assert.ok(session.has(CHOICE));
});

test("a fault of a job of the queue is left to the queue", async () => {
  const { session, named } = sessionOf();
  const outcome = await session.make(() => {
    throw fault("request", "count");
  }, false);
  assert.deepEqual(outcome, { failed: "a fault: request", engineGone: true });
  assert.equal(named("fault")[0]?.[1].show, false);
});

test("a lost device opens the model anew at the next picture", async () => {
  const { state, session, engine } = sessionOf();
  await session.open(CHOICE);
  engine.onGenerate = () => {
    throw fault("device_lost");
  };
  await session.make(() => wanted());
  assert.equal(state.get().phase, "error");
  engine.onGenerate = () => {};
  engine.calls.length = 0;
  assert.equal(await session.make(() => wanted()), "done");
  assert.deepEqual(
    engine.calls.map(([call]) => call),
    ["open", "generate"],
  );
});

test("too little memory is met with smaller weights, once, unless the user chose", async () => {
  const { session, engine, kept, named } = sessionOf();
  engine.onOpen = ({ weights }) => {
    if (weights !== "f16") throw fault("out_of_memory");
  };
  assert.equal(await session.make(() => wanted()), "done");
  assert.deepEqual(
    engine.calls.filter(([call]) => call === "open").map(([, , weights]) => weights),
    [undefined, "f16"],
  );
  assert.ok(named("note").length > 0);
  assert.match(kept[0].engine, /weights f16$/);

  const other = sessionOf();
  other.engine.onOpen = () => {
    throw fault("out_of_memory");
  };
  const outcome = await other.session.open({ model: "models/demo", how: { weights: "f32" } });
  assert.deepEqual(outcome, { failed: "a fault: out_of_memory", engineGone: true });
  assert.equal(other.engine.calls.filter(([call]) => call === "open").length, 1);
});

test("a cancel is told with the step that was done", async () => {
  const { state, session, engine, named } = sessionOf();
  await session.open(CHOICE);
  engine.onGenerate = async (_, { onProgress, signal }) => {
    onProgress({ event: "step", step: 3, steps: 9 });
    session.cancel();
    assert.ok(signal.aborted);
    throw fault("cancelled");
  };
  assert.equal(await session.make(() => wanted()), "cancelled");
  assert.equal(named("said").at(-1)?.[1], "Cancelled after step 3.");
  assert.equal(named("fault").at(-1)?.[1].show, false);
  assert.equal(state.get().phase, "ready");
});

test("a new task replaces the old one, which reports nothing more", async () => {
  const { state, session, engine, named } = sessionOf();
  await session.open(CHOICE);
  /** @type {() => void} */
  let end = () => {};
  engine.onGenerate = () => new Promise((_, reject) => (end = () => reject(fault("closed"))));
  const first = session.make(() => wanted());
  await new Promise((resolve) => setTimeout(resolve, 2));
  engine.onGenerate = () => {};
  const second = session.open({ model: "models/other", how: {} });
  end();
  assert.equal(await first, "cancelled");
  assert.equal(await second, "done");
  assert.deepEqual(named("fault"), []);
  assert.equal(state.get().opened?.model, "models/other");
  assert.equal(state.get().phase, "ready");
});

test("a task that replaces another one cancels it, and begins when it has ended", async () => {
  const { session, engine } = sessionOf();
  await session.open(CHOICE);
  /** @type {string[]} */
  const order = [];
  engine.onGenerate = (request, { signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        order.push("cancelled");
        // The step that the engine is at.
        setTimeout(() => reject((order.push("ended"), fault("cancelled"))), 5);
      });
    });
  const first = session.make(() => wanted());
  await new Promise((resolve) => setTimeout(resolve, 2));
  const second = session.verify();
  const verify = engine.verify.bind(engine);
  engine.verify = (watch) => (order.push("verify"), verify(watch));
  assert.equal(await first, "cancelled");
  assert.equal(await second, "done");
  assert.deepEqual(order, ["cancelled", "ended", "verify"]);
});

test("a task that is replaced before it began does nothing", async () => {
  const { session, engine, kept } = sessionOf();
  await session.open(CHOICE);
  engine.onGenerate = (request, { signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => setTimeout(() => reject(fault("cancelled")), 5));
    });
  const first = session.make(() => wanted());
  await new Promise((resolve) => setTimeout(resolve, 2));
  engine.onGenerate = () => {};
  let read = 0;
  const second = session.make(() => ((read += 1), wanted()));
  const third = session.verify();
  assert.deepEqual(await Promise.all([first, second, third]), ["cancelled", "cancelled", "done"]);
  assert.deepEqual([read, kept.length], [0, 0]);
  assert.equal(engine.calls.filter(([call]) => call === "generate").length, 1);
});

test("a pause lets other tabs work; going on asks for the turn again", async () => {
  const { state, session, engine, told } = sessionOf();
  await session.open(CHOICE);
  engine.onGenerate = async (_, { onProgress }) => {
    await session.pause();
    assert.ok(state.get().pausing);
    onProgress({ event: "paused" });
    await session.pause();
    onProgress({ event: "resumed" });
  };
  assert.equal(await session.make(() => wanted()), "done");
  assert.deepEqual(engine.calls.slice(-2), [["pause"], ["resume"]]);
  assert.equal(told.filter(([name]) => name === "rest").length, 1);
  assert.equal(state.get().pausing, false);
});

test("a picture to begin with is given as pixels; one that is gone is a fault", async () => {
  const { session, engine, kept, named } = sessionOf();
  await session.open(CHOICE);
  /** @type {any} */
  let given;
  engine.onGenerate = (_, watch) => (given = watch);
  await session.make(() => ({ ...wanted(), startImage: "1" }));
  assert.deepEqual(given.initial, { width: 2, height: 1 });
  assert.equal(kept[0].initial, "1");
  await session.make(() => ({ ...wanted(), startImage: "2" }));
  assert.equal(named("fault").at(-1)?.[1].field, "initial picture");
});

test("a mask is given as pixels and kept with the image; one that is gone is a fault", async () => {
  const { session, engine, kept, named } = sessionOf();
  await session.open(CHOICE);
  /** @type {any} */
  let given;
  engine.onGenerate = (_, watch) => (given = watch);
  await session.make(() => ({ ...wanted(), startImage: "1", mask: "1" }));
  assert.deepEqual(given.mask, { width: 2, height: 1 });
  assert.deepEqual([kept[0].initial, kept[0].mask], ["1", "1"]);
  const { initial, mask } = named("made")[0]?.[1] ?? {};
  assert.deepEqual([initial, mask], ["1", "1"]);
  await session.make(() => ({ ...wanted(), startImage: "1" }));
  assert.equal("mask" in given, false);
  assert.equal("mask" in kept[1], false);
  await session.make(() => ({ ...wanted(), startImage: "1", mask: "2" }));
  assert.equal(named("fault").at(-1)?.[1].field, "mask");
});

test("an image of the masked part alone keeps the size that it was asked for", async () => {
  const { session, kept, named } = sessionOf();
  await session.open(CHOICE);
  const request = { ...wanted().request, width: 32, height: 24, padding_mask_crop: 8 };
  const make = (/** @type {any} */ own, /** @type {any} */ beside) =>
    session.make(() => ({ request: own, count: 1, ...beside }));
  const sizes = () => {
    const { width, height, request: own } = kept.at(-1);
    return [width, height, own.width, own.height];
  };
  await make(request, { startImage: "1", mask: "1" });
  assert.deepEqual(sizes(), [64, 64, 32, 24]);
  const made = named("made").at(-1)?.[1].request;
  assert.deepEqual([made.width, made.height, made.padding_mask_crop], [32, 24, 8]);
  await make({ ...request, padding_mask_crop: null }, { startImage: "1", mask: "1" });
  assert.deepEqual(sizes(), [64, 64, 64, 64]);
});

test("controls are found for the engine, kept with the image", async () => {
  const { session, engine, named, kept } = sessionOf();
  await session.open(CHOICE);
  /** @type {any} */
  let given = {};
  engine.onGenerate = (_, watch) => (given = watch);
  const controls = [{ name: "canny", image: "1" }];
  await session.make(() => /** @type {any} */ ({ ...wanted(), controls }));
  assert.deepEqual(given.controls, [{ address: "canny" }]);
  assert.deepEqual([kept[0].controls, named("made")[0]?.[1].controls], [controls, controls]);
  await session.make(() => wanted());
  assert.deepEqual(["controls" in given, "controls" in kept[1]], [false, false]);
});

test("an image of two passes keeps the size of the first, and the upscaler", async () => {
  const { session, engine, kept } = sessionOf();
  await session.open(CHOICE);
  /** @type {any} */
  let given = {};
  engine.onGenerate = (_, watch) => (given = watch);
  const upscaler = { name: "big", hash: "0123abcd" };
  const request = { ...wanted().request, width: 32, hires_scale: 2, hires_upscaler: "file" };
  await session.make(() => ({ request, count: 1, upscaler }));
  assert.equal(given.upscaler, "stored:big");
  const { width, height, upscaler: told } = kept[0].request;
  assert.deepEqual([width, height, told], [32, 64, "big#0123abcd"]);
});

test("LoRAs are found for the engine, kept with the image; a missing one is a fault", async () => {
  const { session, engine, named, kept } = sessionOf();
  await session.open(CHOICE);
  /** @type {any} */
  let given = {};
  engine.onGenerate = (_, watch) => (given = watch);
  const choice = (/** @type {string} */ name) => ({ name, hash: "", weight: 0.5, textWeight: 0.5 });
  const tagged = { prompt: "a cat <lora:tagged:1>", prompt_syntax: "a1111", seed: "7" };
  const make = (/** @type {any} */ request, /** @type {string} */ name) =>
    session.make(() => ({ request, count: 1, loras: [choice(name)] }));
  assert.equal(await make(tagged, "style"), "done");
  const addresses = () => given.loras.map((/** @type {any} */ { address }) => address);
  assert.deepEqual(addresses(), ["style", "tagged"]);
  assert.equal(kept[0].request.loras, "style:0.5");
  await make({ ...tagged, prompt_syntax: "plain" }, "style");
  assert.deepEqual(addresses(), ["style"], "where the syntax is off, a tag is text");
  await make(tagged, "absent");
  const [, { field, message }] = named("fault")[0] ?? [];
  assert.equal(field, "loras");
  assert.match(message, /“absent” is not in this browser/);
});

test("a picture that cannot be kept is shown all the same, and that is told", async () => {
  const { session, named, platform } = sessionOf();
  await session.open(CHOICE);
  platform.keepImage = () => Promise.reject(new Error("disk"));
  assert.equal(await session.make(() => wanted()), "done");
  assert.match(named("note").at(-1)?.[1], /disk/);
  platform.storageSentence = async () => "Storage is full.";
  assert.equal(await session.make(() => wanted()), "done");
  assert.deepEqual(named("unkept"), [["unkept", "Storage is full."]]);
  assert.equal(named("made").length, 2);
});

test("a notice is shown once; a verification reports how it ended", async () => {
  const { session, engine, named } = sessionOf();
  await session.open(CHOICE);
  engine.onGenerate = (_, { onProgress }) => {
    onProgress({ event: "notice", text: "old" });
    onProgress({ event: "notice", text: "new" });
  };
  await session.make(() => wanted());
  const notices = named("progress").filter(([, { event }]) => event === "notice");
  assert.deepEqual(
    notices.map(([, { text }]) => text),
    ["new"],
  );
  await session.verify();
  const { task, outcome, text } = named("end").at(-1)?.[1] ?? {};
  assert.deepEqual([task, outcome, text], ["verify", "done", "1 of 2 comparisons failed."]);
});
