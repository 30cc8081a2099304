// The page's wiring: form → engine → picture. What it shows is in views/, what it says in
// strings.js, and all the work is done by the worker behind engine/client.js.

import { Engine } from "./engine/client.js";
import { FATAL } from "./engine/protocol.js";
import { modelAddress, readOptions } from "./options.js";
import { EXAMPLES, say } from "./strings.js";
import { createDevice } from "./views/device.js";
import { createForm } from "./views/form.js";
import { createPicture } from "./views/picture.js";
import { createStatus } from "./views/status.js";
import { createVerify } from "./views/verify.js";

/** @typedef {import("./engine/client.js").EngineError} EngineError */

const engine = new Engine();
const form = createForm({ onGenerate: generate, onCancel: cancel });
const picture = createPicture({ onKeepSeed: (seed) => form.fill([["seed", seed]]) });
const status = createStatus();
const device = createDevice({ onChoose: reopen });
const verify = createVerify({ onVerify: verifyModel, onCancel: cancel });
let open = false;
/** Stops the job that runs; a new job has a new one. */
let stop = new AbortController();

/** @param {"loading" | "ready" | "generating" | "error"} state */
function enter(state) {
  document.documentElement.dataset["state"] = state;
  form.show(state);
  verify.show(state);
}

async function openModel() {
  enter("loading");
  status.begin(say.opening());
  const { model, how } = readOptions();
  device.choose(how.device);
  device.clear();
  const watch = { onProgress: status.progress, signal: stop.signal };
  const description = await engine.open(modelAddress(model), how, watch);
  open = true;
  form.describe(description);
  device.show(model, how, description);
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

/** Compares the model's pictures with what they should be; the dialog shows it, and its end. */
function verifyModel() {
  return run(async () => {
    verify.begin();
    try {
      if (!open) await openModel();
      enter("generating");
      status.begin(say.verifying());
      const onProgress = (/** @type {import("./engine/protocol.js").Progress} */ progress) => {
        status.progress(progress);
        verify.progress(progress);
      };
      const checks = await engine.verify({ onProgress, signal: stop.signal });
      const failed = checks.filter(({ verdict }) => verdict === "fail").length;
      verify.end(say.verified(failed, checks.length));
      return say.verified(failed, checks.length);
    } catch (error) {
      verify.end(/** @type {Error} */ (error).message);
      throw error;
    }
  });
}

function cancel() {
  stop.abort();
  status.cancelling();
}

/** Starts from the address; also whenever it changes. */
function begin() {
  form.fill(readOptions().fields);
  return reopen();
}

function reopen() {
  engine.dispose();
  open = false;
  return run(() => openModel().then(say.ready));
}

form.fill([["prompt", EXAMPLES[0] ?? ""]]);
addEventListener("hashchange", begin);
begin();
