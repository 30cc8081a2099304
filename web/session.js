// What runs: opens the model, makes pictures one after another, keeps them, and tells how it ended.
// One job at a time; a new one takes the place of the old.

import { Engine } from "./engine/client.js";
import { FATAL } from "./engine/protocol.js";
import { modelAddress, tokenizerAddress } from "./options.js";
import { keepPrint } from "./storage/pictures.js";
import { say } from "./strings.js";
import { pixelsOf } from "./files/pixels.js";
import { createShares } from "./share.js";
import { initialFile } from "./storage/initials.js";
import { stayAwake } from "./tab/awake.js";
import { createTurn } from "./tab/turn.js";
import { remember, remembered } from "./dom.js";
import { laterSeed, seedRuns } from "./views/seed.js";

/** @typedef {"loading" | "ready" | "generating" | "error"} State */
/** @typedef {import("./engine/client.js").EngineError} EngineError */
/** @typedef {import("./engine/protocol.js").Progress} Progress */
/** @typedef {import("./engine/protocol.js").Picture} Picture */
/** @typedef {import("./engine/protocol.js").Request} Request */
/** @typedef {import("./engine/protocol.js").Description} Description */
/** @typedef {import("./views/queue.js").Outcome} Outcome */
/** @typedef {{ model: string, how: import("./engine/protocol.js").Options }} Choice */

/**
 * What to make: a request, its pictures, the number of the picture that they begin with.
 * @typedef {{ request: Request, count: number, initial?: string | undefined }} Wanted
 */

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
 * @property {(rests: boolean) => void} rest whether the picture rests, or is about to
 * @property {() => number} previewEvery steps between two pictures of one on its way; 0 is never
 * @property {(error: unknown) => Promise<boolean>} keepsNot tells a fault of storage, if it is one
 * @property {() => () => void} watchRun begins to watch the network; returns how to end
 */

/** Weights of half the size of f32, for a device whose memory is short. */
const SMALL = "f16";

/** How the engine begins to say that the CPU computes for want of a graphics card. */
const SOFTWARE = "There is only a software adapter";

/**
 * Whether a notice was told in this browser before and is no news: that of a software adapter would
 * else stand there at every visit.
 * @param {string} text
 */
function toldBefore(text) {
  if (!text.startsWith(SOFTWARE)) return false;
  const told = remembered("told-software") !== null;
  remember("told-software", "yes");
  return told;
}

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
  /** That of the job that runs. */
  let turn = createTurn();

  /** Whether the picture that is being made is to rest. */
  let rests = false;

  /** @param {boolean} wish */
  function rest(wish) {
    rests = wish;
    views.rest(wish);
  }

  /** @param {Progress} progress */
  function hear(progress) {
    if (progress.event === "latents") developing.show(progress);
    else if (progress.event === "preview") developing.showPicture(progress);
    else if (progress.event === "notice" && toldBefore(progress.text)) return;
    else status.progress(progress);
    // The screen may sleep while nothing is made, and other tabs may work.
    if (progress.event === "paused" && rests) {
      stayAwake(false);
      turn.rest();
    }
    if (progress.event === "resumed") stayAwake(true);
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
    const kept = small ? { ...how, weights: SMALL } : how;
    const engineName = views.describe({ model, how: kept }, description);
    described = small ? `${engineName} · weights ${SMALL}` : engineName;
  }

  /**
   * The pixels of the picture to begin with.
   * @param {string} number
   */
  async function initialPixels(number) {
    const file = await initialFile(number);
    const fault = { kind: "request", field: "initial picture" };
    const sentence = say.notAPicture(say.initial(), say.initialGone());
    if (!file) throw Object.assign(new Error(sentence), fault);
    return pixelsOf(file);
  }

  /**
   * Shows a picture and keeps it.
   * @param {Request} request of this picture alone
   * @param {Picture} made
   * @param {number} seconds
   * @param {string | undefined} initial
   */
  async function keep(request, made, seconds, initial) {
    const { width, height, png } = made;
    const whole = { ...request, width, height };
    const file = new Blob([png], { type: "image/png" });
    picture.show(made, whole, seconds, choice.model);
    const from = { model: choice.model, provenance };
    const about = { request: whole, width, height, seconds, ...from };
    await keepPrint({ ...about, engine: described, ...(initial ? { initial } : {}) }, file)
      // The picture is there, and can be saved by hand.
      .catch(async (error) => {
        if (!(await views.keepsNot(error))) status.note(say.notKept(error?.message ?? ""));
      });
  }

  /**
   * Makes the pictures of one press.
   * @param {Wanted} wanted
   */
  async function makePictures({ request, count, initial }) {
    if (!open) await openModel();
    views.enter("generating");
    status.begin(say.preparing(count));
    if (small) status.note(say.smaller());
    const beside = {
      ...(initial ? { initial: await initialPixels(initial) } : {}),
      latents: true,
      pictures: views.previewEvery(),
    };
    const begun = performance.now();
    for (const run of seedRuns(request.seed, count))
      await makeRun({ ...request, ...run }, beside, initial);
    return say.done((performance.now() - begun) / 1000, count);
  }

  /**
   * Makes pictures of seeds that follow one another, as many together as the device has room for.
   * @param {Request & { count: number }} request
   * @param {import("./engine/protocol.js").Beside} beside
   * @param {string | undefined} initial
   */
  async function makeRun({ count, ...request }, beside, initial) {
    developing.begin(choice.model);
    const shares = createShares(count);
    /** @type {Promise<void>[]} */
    const kept = [];
    const receive = (/** @type {number} */ index, /** @type {Picture} */ made) => {
      const { seconds, first } = shares.next();
      // What was shown on the way was the first one of those that are made together.
      if (first) developing.learn(made);
      developing.hide();
      kept.push(keep({ ...request, seed: laterSeed(request.seed, index) }, made, seconds, initial));
    };
    const onProgress = (/** @type {Progress} */ progress) => {
      shares.hear(progress);
      if (progress.event === "picture") receive(progress.index, progress.picture);
      else hear(progress);
    };
    const stopWatching = views.watchRun();
    try {
      const many = count > 1 ? { ...request, count } : request;
      const watch = { onProgress, signal: stop.signal, ...beside };
      receive(count - 1, await engine.generate(many, watch));
    } finally {
      stopWatching();
      developing.hide();
      await Promise.all(kept);
    }
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
   * @param {boolean} [tells] whether a fault is shown; without it the caller does that
   * @returns {Promise<Outcome>}
   */
  async function run(job, tells = true) {
    const mine = (stop = new AbortController());
    const { signal } = mine;
    const mineTurn = (turn = createTurn());
    views.complain(null);
    rest(false);
    stayAwake(true);
    views.enter(open ? "generating" : "loading");
    try {
      await mineTurn.begin({ onWait: () => status.wait(say.waiting()), signal });
      const ending = await orSmaller(job);
      if (mine !== stop) return "cancelled";
      status.end(ending);
      views.enter("ready");
      return "done";
    } catch (error) {
      if (mine !== stop) return "cancelled";
      return fail(/** @type {EngineError} */ (error), tells);
    } finally {
      mineTurn.end();
      if (mine === stop) stayAwake(false);
    }
  }

  /**
   * @param {EngineError} error
   * @param {boolean} tells
   * @returns {Outcome}
   */
  function fail(error, tells) {
    const { name, kind = name === "AbortError" ? "cancelled" : "other", field } = error;
    const again = kind === "crashed" || kind === "not_fetched";
    const message = again ? `${error.message} ${say.again()}` : error.message;
    if (FATAL.has(kind)) open = false;
    views.keepFault(kind, message);
    const cancelled = kind === "cancelled";
    status.end(!cancelled ? "" : open ? say.cancelled(status.step()) : say.notLoaded());
    views.enter(open && (cancelled || kind === "request") ? "ready" : "error");
    if (cancelled) return "cancelled";
    if (tells) views.complain({ message, field });
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
     * @param {() => Wanted} wanted may throw what is wrong with it
     * @param {boolean} [tells] as of `run`
     */
    make: (wanted, tells) => run(() => Promise.resolve().then(wanted).then(makePictures), tells),

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
            hear(progress);
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
        return job(engine, { onProgress: hear, signal: stop.signal });
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

    /**
     * Times an evaluation of the model that is open.
     * @param {() => import("./engine/protocol.js").Size} size may throw what is wrong with it
     * @param {ReturnType<typeof import("./views/speed.js").createSpeed>} view shows it, and how
     * it ended
     */
    async profile(size, view) {
      view.begin();
      const outcome = await run(async () => {
        const wanted = size();
        if (!open) await openModel();
        views.enter("generating");
        status.begin(say.measuring());
        const onProgress = (/** @type {Progress} */ progress) => {
          if (progress.event === "loading") hear(progress);
          view.progress(progress);
        };
        const watch = { onProgress, signal: stop.signal };
        await view.show(await engine.profile(wanted, undefined, watch));
        return say.measured();
      });
      view.end(outcome);
    },

    /** The picture rests between two steps, or goes on. */
    async pause() {
      rest(!rests);
      status.rest(rests);
      if (rests) return engine.pause();
      const mine = turn;
      try {
        const onWait = () => status.wait(say.waiting());
        await mine.begin({ onWait, signal: stop.signal });
      } catch {
        // Cancelled meanwhile, which the job itself tells.
        return;
      }
      // Another job may have come, or another wish to rest.
      if (mine !== turn) mine.end();
      else if (rests) mine.rest();
      else engine.resume();
    },

    cancel() {
      stop.abort();
      status.cancelling();
    },

    /** Whether this is the model that is open. @param {Choice} other */
    has: (other) => open && JSON.stringify(other) === JSON.stringify(choice),
  };
}
