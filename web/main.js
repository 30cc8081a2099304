// The page's wiring: form → engine → picture. What it shows is in views/, what it says in
// strings.js, and all the work is done by the worker behind engine/client.js.

import { Engine, EngineError } from "./engine/client.js";
import { FATAL } from "./engine/protocol.js";
import { modelAddress, readOptions } from "./options.js";
import { EXAMPLES, say } from "./strings.js";
import { anyById } from "./views/dom.js";
import { createForm } from "./views/form.js";
import { createPicture } from "./views/picture.js";
import { createStatus } from "./views/status.js";

const engine = new Engine();
const form = createForm({ onGenerate: generate, onCancel: cancel });
const picture = createPicture({ onKeepSeed: (seed) => form.fill([["seed", seed]]) });
const status = createStatus();
let open = false;
/** Stops the job that runs; a new job has a new one. */
let stop = new AbortController();

/** @param {"loading" | "ready" | "generating" | "error"} state */
function enter(state) {
  document.documentElement.dataset["state"] = state;
  form.show(state);
}

async function openModel() {
  enter("loading");
  status.begin(say.opening());
  const message = say.noWebGpu(isSecureContext);
  if (!("gpu" in navigator)) throw new EngineError({ kind: "no_gpu", message });
  const { model, how } = readOptions();
  const watch = { onProgress: status.progress, signal: stop.signal };
  const description = await engine.open(modelAddress(model), how, watch);
  open = true;
  form.describe(description);
  anyById("engine-facts").textContent = [model, how.precision ?? "f32", description.adapter].join(
    " · ",
  );
}

async function makePicture() {
  enter("generating");
  status.begin(say.preparing());
  const request = form.read();
  const begun = performance.now();
  const made = await engine.generate(request, { onProgress: status.progress, signal: stop.signal });
  const seconds = (performance.now() - begun) / 1000;
  picture.show(made, request, seconds);
  return seconds;
}

/**
 * Runs a job and shows how it ended, unless another has taken its place.
 * @param {() => Promise<string>} job resolves to what to say at the end
 */
async function run(job) {
  const mine = (stop = new AbortController());
  form.complain(null);
  try {
    const ending = await job();
    if (mine !== stop) return;
    status.end(ending);
    enter("ready");
  } catch (error) {
    if (mine !== stop) return;
    const { kind = "other", message, field } = /** @type {EngineError} */ (error);
    if (FATAL.has(kind)) open = false;
    const cancelled = kind === "cancelled";
    status.end(!cancelled ? "" : open ? say.cancelled(status.step()) : say.notLoaded());
    enter(open && (cancelled || kind === "request") ? "ready" : "error");
    if (!cancelled) form.complain({ message, field });
  }
}

function generate() {
  return run(async () => {
    if (!open) await openModel();
    return say.done(await makePicture());
  });
}

function cancel() {
  stop.abort();
  status.cancelling();
}

/** Starts from the address; also whenever it changes. */
function begin() {
  engine.dispose();
  open = false;
  form.fill(readOptions().fields);
  return run(() => openModel().then(say.ready));
}

form.fill([["prompt", EXAMPLES[0] ?? ""]]);
addEventListener("hashchange", begin);
begin();
