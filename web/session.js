// What runs: opens the model, makes pictures one after another, keeps them, and tells how it ended.
// One job at a time; a new one takes the place of the old.

import { Engine } from "./engine/client.js";
import { FATAL } from "./engine/protocol.js";
import { modelAddress, tokenizerAddress } from "./options.js";
import { keepPrint } from "./storage/pictures.js";
import { say } from "./strings.js";
import { stayAwake } from "./tab/awake.js";
import { inTurn } from "./tab/turn.js";
import { laterSeed } from "./views/seed.js";

/** @typedef {"loading" | "ready" | "generating" | "error"} State */
/** @typedef {import("./engine/client.js").EngineError} EngineError */
/** @typedef {import("./engine/protocol.js").Request} Request */
/** @typedef {import("./engine/protocol.js").Description} Description */
/** @typedef {import("./views/queue.js").Outcome} Outcome */
/** @typedef {{ model: string, how: import("./engine/protocol.js").Options }} Choice */

/**
 * @typedef {object} Views
 * @property {(state: State) => void} enter
 * @property {ReturnType<typeof import("./views/status.js").createStatus>} status
 * @property {ReturnType<typeof import("./views/picture.js").createPicture>} picture
 * @property {ReturnType<typeof import("./views/developing.js").createDeveloping>} developing
 * @property {(choice: Choice) => void} choose a model that is about to be opened
 * @property {(choice: Choice, description: Description) => string} describe returns what computes
 * @property {(problem: { message: string, field?: string | undefined } | null) => void} complain
 * @property {(kind: string, message: string) => void} keepFault for the list of what went wrong
 * @property {() => () => void} watchRun begins to watch the network; returns how to end
 */

/** Weights of half the size of f32, for a device whose memory is short. */
const SMALL = "f16";

/** @param {Views} views */
export function createSession(views) {
  const { status, picture, developing } = views;
  const engine = new Engine();
  /** @type {Choice} */
  let choice = { model: "", how: {} };
  let open = false;
  let described = "";
  /** @type {import("./engine/protocol.js").Provenance | null} */
  let provenance = null;
  /** Whether weights are kept in half the memory, after the device had too little. */
  let small = false;
  /** Stops the job that runs; a new job has a new one. */
  let stop = new AbortController();

  /** @param {import("./engine/protocol.js").Progress} progress */
  function hear(progress) {
    if (progress.event === "latents") developing.show(progress);
    else status.progress(progress);
  }

  async function openModel() {
    views.enter("loading");
    status.begin(say.opening());
    views.choose(choice);
    if (small) status.note(say.smaller());
    const { model, how } = choice;
    const watch = { onProgress: hear, signal: stop.signal };
    const tokenizer = tokenizerAddress(how);
    const plan = { ...how, tokenizer, ...(small ? { weights: SMALL } : {}) };
    const description = await engine.open(modelAddress(model), plan, watch);
    open = true;
    provenance = description.model;
    const engineName = views.describe(choice, description);
    described = small ? `${engineName} · weights ${SMALL}` : engineName;
  }

  /** @param {Request} request */
  async function makePicture(request) {
    developing.begin(choice.model);
    const begun = performance.now();
    const stopWatching = views.watchRun();
    try {
      const watch = { onProgress: hear, signal: stop.signal };
      const made = await engine.generate(request, watch);
      const seconds = (performance.now() - begun) / 1000;
      developing.end(made);
      const { width, height } = made;
      const whole = { ...request, width, height };
      picture.show(made, whole, seconds);
      const from = { model: choice.model, provenance };
      const about = { request: whole, width, height, seconds, ...from };
      await keepPrint({ ...about, engine: described }, new Blob([made.png], { type: "image/png" }))
        // The picture is there, and can be saved by hand.
        .catch((error) => status.note(say.notKept(error?.message ?? "")));
      return seconds;
    } finally {
      stopWatching();
      developing.end();
    }
  }

  /**
   * @param {Request} first
   * @param {number} count
   */
  async function makePictures(first, count) {
    if (!open) await openModel();
    views.enter("generating");
    let seconds = 0;
    for (let i = 0; i < count; i++) {
      status.begin(say.preparing(i + 1, count));
      if (small) status.note(say.smaller());
      seconds += await makePicture({ ...first, seed: laterSeed(first.seed, i) });
    }
    return say.done(seconds, count);
  }

  /**
   * Does a job once more with a smaller plan, when memory was short and the user chose no type of
   * weights.
   * @param {() => Promise<string>} job
   */
  async function orSmaller(job) {
    try {
      return await job();
    } catch (error) {
      const short = /** @type {EngineError} */ (error).kind === "out_of_memory";
      if (!short || small || choice.how.weights) throw error;
      small = true;
      open = false;
      engine.dispose();
      return job();
    }
  }

  /**
   * Runs a job in this tab's turn and shows how it ended, unless another has taken its place.
   * @param {() => Promise<string>} job resolves to what to say at the end
   * @returns {Promise<Outcome>}
   */
  async function run(job) {
    const mine = (stop = new AbortController());
    const { signal } = mine;
    views.complain(null);
    stayAwake(true);
    views.enter(open ? "generating" : "loading");
    try {
      const onWait = () => status.wait(say.waiting());
      const ending = await inTurn(() => orSmaller(job), { onWait, signal });
      if (mine !== stop) return "cancelled";
      status.end(ending);
      views.enter("ready");
      return "done";
    } catch (error) {
      if (mine !== stop) return "cancelled";
      return fail(/** @type {EngineError} */ (error));
    } finally {
      if (mine === stop) stayAwake(false);
    }
  }

  /**
   * @param {EngineError} error
   * @returns {Outcome}
   */
  function fail({ name, kind = name === "AbortError" ? "cancelled" : "other", message, field }) {
    if (FATAL.has(kind)) open = false;
    views.keepFault(kind, message);
    const cancelled = kind === "cancelled";
    status.end(!cancelled ? "" : open ? say.cancelled(status.step()) : say.notLoaded());
    views.enter(open && (cancelled || kind === "request") ? "ready" : "error");
    if (cancelled) return "cancelled";
    views.complain({ message, field });
    return { failed: message, engineGone: !open };
  }

  return {
    engine,

    /**
     * Opens a model; the one that was open is let go.
     * @param {Choice} wanted
     */
    open(wanted) {
      engine.dispose();
      choice = wanted;
      open = small = false;
      return run(() => openModel().then(say.ready));
    },

    /**
     * Makes pictures.
     * @param {() => { request: Request, count: number }} wanted may throw what is wrong with it
     */
    make: (wanted) =>
      run(async () => {
        const { request, count } = wanted();
        return makePictures(request, count);
      }),

    /**
     * Compares the model's pictures with what they should be.
     * @param {ReturnType<typeof import("./views/verify.js").createVerify>} view shows it, and how
     * it ended
     */
    verify: (view) =>
      run(async () => {
        view.begin();
        try {
          if (!open) await openModel();
          views.enter("generating");
          status.begin(say.verifying());
          const onProgress = (/** @type {import("./engine/protocol.js").Progress} */ progress) => {
            if (progress.event !== "latents") status.progress(progress);
            view.progress(progress);
          };
          const checks = await engine.verify({ onProgress, signal: stop.signal });
          const failed = checks.filter(({ verdict }) => verdict === "fail").length;
          view.end(say.verified(failed, checks.length));
          return say.verified(failed, checks.length);
        } catch (error) {
          view.end(/** @type {Error} */ (error).message);
          throw error;
        }
      }),

    /**
     * Gives the engine to another job, in this tab's turn; the model that was open is let go.
     * @param {(engine: Engine, watch: import("./engine/client.js").Watch) => Promise<string>} job
     */
    lend: (job) =>
      run(() => {
        open = false;
        views.enter("generating");
        const onProgress = (/** @type {import("./engine/protocol.js").Progress} */ progress) => {
          if (progress.event !== "latents") status.progress(progress);
        };
        return job(engine, { onProgress, signal: stop.signal });
      }),

    /**
     * Estimates what a picture of Stable Diffusion v1.4 would cost here.
     * @param {(forecast: import("./engine/protocol.js").Forecast) => void} hear
     */
    measure: (hear) =>
      run(async () => {
        status.begin(say.measuring());
        hear(await engine.forecast());
        return say.measured();
      }),

    cancel() {
      stop.abort();
      status.cancelling();
    },

    /** Whether this is the model that is open. @param {Choice} other */
    has: (other) => open && JSON.stringify(other) === JSON.stringify(choice),
  };
}
