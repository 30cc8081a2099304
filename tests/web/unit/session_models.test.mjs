// The session where jobs have models of their own.

import assert from "node:assert/strict";
import test from "node:test";
import { CHOICE, fault, sessionOf, wanted } from "../harness/session.mjs";

test("a job's own model is opened for it, once, and the page's own comes back", async () => {
  const { state, session, engine, kept } = sessionOf();
  const other = { model: "models/other", how: { vae: "stored/9" } };
  const opened = () => engine.calls.filter(([call]) => call === "open").map(([, model]) => model);
  await session.open(CHOICE);
  await session.make(wanted, false, { ...CHOICE });
  assert.equal(opened().length, 1, "the page's own is open already");
  for (const seed of ["1", "2"]) await session.make(() => wanted(seed), false, other);
  assert.equal(opened().length, 2);
  assert.deepEqual(
    kept.map(({ model, engine: by }) => [model, by.split(" · ").slice(0, 2).join(" · ")]),
    [
      ["models/demo", "models/demo · f32"],
      ...["1", "2"].map(() => ["models/other", "models/other · other VAE"]),
    ],
  );
  assert.deepEqual(state.get().choice, CHOICE, "what the page has chosen stays");
  assert.ok(session.has({ ...CHOICE }), "a link with the page's model interrupts nothing");
  await session.restore();
  assert.deepEqual(opened().at(-1), "http://localhost/models/demo/");
  assert.equal(state.get().opened?.model, CHOICE.model);
  await session.restore();
  assert.equal(opened().length, 3, "only where another one is open");

  // A plain run comes back by itself.
  await session.make(wanted, false, other);
  assert.equal(await session.make(wanted), "done");
  assert.equal(state.get().opened?.model, CHOICE.model);
});

test("a part that a job names must be there", async () => {
  const { session, engine, named, kept } = sessionOf();
  await session.open(CHOICE);
  engine.onOpen = ({ vae }) => {
    if (vae) throw fault("not_found");
  };
  const outcome = await session.make(wanted, false, { ...CHOICE, how: { vae: "stored/9" } });
  assert.deepEqual(outcome, { failed: "a fault: not_found", engineGone: true });
  assert.deepEqual(named("note"), []);
  assert.equal(kept.length, 0);
  assert.equal(await session.make(wanted), "done");
});
