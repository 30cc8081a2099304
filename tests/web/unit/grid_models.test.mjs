// Grids over checkpoints and VAEs: the axes, which model a cell has, the order in which cells are
// made, and what becomes of the queue where a model does not open.

import assert from "node:assert/strict";
import test from "node:test";
import { axisKinds } from "../../../web/batch/axes.js";
import { gridOf } from "../../../web/batch/cells.js";
import { byModel, withChoice } from "../../../web/batch/choices.js";
import { createJobModels } from "../../../web/batch/job_models.js";
import { layoutOf } from "../../../web/batch/plot.js";
import { scriptOf } from "../../../web/batch/plot_text.js";
import { createPage } from "../../../web/state/page.js";

/** @typedef {import("../../../web/batch/choices.js").Models} Models */
/** @typedef {import("../../../web/session/protocol.js").Outcome} Outcome */

/** @type {Models} */
const MODELS = {
  models: [
    ["models/demo", "the built-in model"],
    ["stored/1", "Teal"],
    ["stored/2", "Teal"],
  ],
  parts: { vae: [["stored/9", "Sharp"]], taesd: [["stored/7", "Quick"]], unet: [] },
};
const FORM = { prompt: "a cat", seed: "7", count: "4" };
const PRESENT = { model: "models/demo", how: { device: "cpu", rest: "fetch", vae: "stored/8" } };

/**
 * The cells of a grid, with their models.
 * @param {Record<string, string[]>} axes values by the names of axes
 */
function grid(axes) {
  const kinds = axisKinds(FORM, [], MODELS);
  const chosen = Object.entries(axes).map(([id, values]) => {
    const kind = kinds.find((one) => one.id === id);
    assert.ok(kind, id);
    return { kind, values };
  });
  const { scales, cells } = gridOf(FORM, chosen);
  return { scales, cells: cells.map((fields) => withChoice({ fields }, PRESENT)) };
}

test("checkpoints and VAEs are axes where there are some", () => {
  const ids = (/** @type {Models} */ models) => axisKinds(FORM, [], models).map(({ id }) => id);
  assert.deepEqual(
    ids(MODELS).filter((id) => ["model", "vae", "taesd", "unet", "text_encoder"].includes(id)),
    ["model", "vae", "taesd"],
  );
  assert.ok(!ids({ ...MODELS, parts: {} }).includes("vae"));
  assert.ok(!axisKinds(FORM, []).some(({ id }) => ["model", "vae"].includes(id)));
});

test("a cell has its model beside the request, opened as the page opens models", () => {
  const { cells } = grid({ model: ["models/demo", "stored/1"], seed: ["1"] });
  assert.deepEqual(
    cells.map(({ choice }) => choice),
    // As “Use” of the library does: another model has what depends on the device alone.
    [PRESENT, { model: "stored/1", how: { device: "cpu" } }],
  );
  for (const { fields } of cells) assert.deepEqual(fields, { ...FORM, seed: "1", count: "1" });
  const [plain] = grid({ seed: ["1"] }).cells;
  assert.deepEqual(Object.keys(plain ?? {}), ["fields"]);
});

test("a VAE stands in for the model's own, or that is used", () => {
  const { cells, scales } = grid({ vae: ["", "stored/9"] });
  const { vae: _vae, ...rest } = PRESENT.how;
  assert.deepEqual(
    cells.map(({ choice }) => choice?.how),
    [rest, { ...rest, vae: "stored/9" }],
  );
  assert.deepEqual(scales[0], { label: "VAE", values: ["the model’s own", "Sharp"] });
  const both = grid({ taesd: ["", "stored/7"], vae: ["stored/9"], model: ["stored/1"] });
  assert.deepEqual(
    both.cells.map(({ choice }) => choice),
    [{}, { taesd: "stored/7" }].map((part) => ({
      ...{ model: "stored/1", how: { device: "cpu", vae: "stored/9", ...part } },
    })),
  );
  assert.deepEqual(both.scales[0], { label: "TAESD", values: ["none", "Quick"] });
  assert.ok(both.cells.every(({ fields }) => !("taesd" in fields) && !("vae" in fields)));
});

test("cells of one model are made one after another, in whichever axis it is", () => {
  const models = ["stored/1", "models/demo"];
  const { cells } = grid({ model: models, seed: ["1", "2"], vae: ["", "stored/9"] });
  const made = byModel(cells, [...cells.keys()]).map((at) => cells[at]);
  assert.deepEqual(
    made.map((cell) => `${cell?.choice?.model} ${cell?.choice?.how.vae} ${cell?.fields["seed"]}`),
    models.flatMap((model) =>
      [undefined, "stored/9"].flatMap((vae) => ["1", "2"].map((seed) => `${model} ${vae} ${seed}`)),
    ),
  );
  // Some of them are made again in the same order; without models all come as they are.
  assert.deepEqual(byModel(cells, [7, 1, 0, 2]), [0, 2, 1, 7]);
  assert.deepEqual(byModel(grid({ seed: ["1", "2", "3"] }).cells, [0, 1, 2]), [0, 1, 2]);
});

test("labels and the plot's text name the models", () => {
  const { scales } = grid({ model: ["models/demo", "stored/2"] });
  const names = ["the built-in model", "Teal (stored/2)"];
  assert.deepEqual(scales[0], { label: "Checkpoint", values: names });
  const { labels } = layoutOf(scales, { width: 512, height: 512 }, () => 1);
  assert.deepEqual(
    labels.map(({ lines }) => lines.join(" ")),
    names.map((name) => `Checkpoint: ${name}`),
  );
  const script = "Script: X/Y/Z plot, X Type: Checkpoint name, X Values: ";
  assert.equal(scriptOf(scales), `${script}"the built-in model, Teal (stored/2)"`);
  const plain = grid({ guidance_scale: ["1", "2"], rng: ["torch"], vae: ["stored/9"] });
  assert.equal(
    scriptOf(plain.scales),
    'Script: X/Y/Z plot, X Type: CFG Scale, X Values: "1, 2", Y Type: RNG source, ' +
      "Y Values: torch, Z Type: VAE, Z Values: Sharp",
  );
});

/** What makes the jobs, over a session that opens all models but one. */
function jobsOf() {
  const state = createPage();
  /** @type {string[]} */
  const asked = [];
  const jobs = createJobModels(state, {
    /** @type {import("../../../web/session/session.js").Session["make"]} */
    async make(_wanted, _show, choice) {
      const { model = "" } = choice ?? {};
      asked.push(model);
      const opened = model === "gone" ? null : /** @type {any} */ ({ model });
      state.set({ opened });
      if (model === "lost") return { failed: "lost", engineGone: true };
      return opened ? "done" : { failed: "not there", engineGone: true };
    },
    restore: async () => void asked.push("restore"),
  });
  const make = (/** @type {string} */ model) =>
    jobs.make(() => ({ request: { prompt: "", seed: "" }, count: 1 }), { model, how: {} });
  /** Waits for what follows the present task. */
  const rest = () => new Promise((resolve) => setTimeout(resolve, 5));
  return { state, asked, make, rest };
}

test("a model that does not open is tried once in a run, and the queue goes on", async () => {
  const { state, asked, make, rest } = jobsOf();
  state.set({ queueRuns: true });
  assert.deepEqual(await make("gone"), { failed: "not there", engineGone: false });
  assert.deepEqual(await make("gone"), { failed: "not there", engineGone: false });
  assert.equal(await make("demo"), "done");
  assert.deepEqual(asked, ["gone", "demo"]);
  // What happens to an open model ends the queue, as with any job.
  assert.deepEqual(await make("lost"), { failed: "lost", engineGone: true });
  state.set({ queueRuns: false });
  await rest();
  assert.deepEqual(asked, ["gone", "demo", "lost", "restore"]);
  state.set({ queueRuns: true });
  await make("gone");
  assert.equal(asked.at(-1), "gone", "in the next run it is tried again");
});

test("the page's model comes back only when nothing runs any more", async () => {
  const { state, asked, rest } = jobsOf();
  state.set({ queueRuns: true, task: "generate" });
  state.set({ queueRuns: false });
  await rest();
  assert.deepEqual(asked, [], "the image in work is finished first");
  state.set({ task: "" });
  state.set({ queueRuns: true });
  await rest();
  assert.deepEqual(asked, [], "it goes on at once");
  state.set({ queueRuns: false });
  await rest();
  assert.deepEqual(asked, ["restore"]);
});
