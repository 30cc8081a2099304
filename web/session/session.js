// What runs: opens the model, makes pictures one after another, keeps them, and tells how it ended.
// One job at a time; a new one takes the place of the old. What is known of it stands in the page's
// state; what happens is told as events (protocol.js).

import { FATAL } from "../engine/protocol.js";
import { modelAddress, tokenizerAddress } from "../options.js";
import { createEvents } from "../state/events.js";
import { say } from "../strings.js";
import { makePictures } from "./pictures.js";

/** @typedef {import("../engine/client.js").EngineError} EngineError */
/** @typedef {import("../engine/client.js").Watch} Watch */
/** @typedef {import("../state/page.js").Choice} Choice */
/** @typedef {import("../state/page.js").Job} Job */
/** @typedef {import("../state/page.js").Page} Page */
/** @typedef {import("./protocol.js").Engine} Engine */
/** @typedef {import("./protocol.js").Events} Events */
/** @typedef {import("./protocol.js").Outcome} Outcome */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("./protocol.js").Tools} Tools */
/** @typedef {import("./protocol.js").Wanted} Wanted */

/** Weights of half the size of f32, for a device whose memory is short. */
const SMALL = "f16";

/** One engine and what it does. */
export class Session {
  /** @type {Events} */
  #events = createEvents();
  #state;
  #tools;
  /** Whether the engine holds the model of the state's choice. */
  #open = false;
  /** Whether weights are kept in half the memory, after the device had too little. */
  #small = false;
  /** Stops the job that runs; a new job has a new one. */
  #stop = new AbortController();
  /** The place of the running job among tabs: one tab at a time makes images. */
  #turn;
  /** The last step that was done. */
  #step = 0;

  /**
   * @param {Page} state
   * @param {Engine} engine
   * @param {Tools} tools
   */
  constructor(state, engine, tools) {
    this.#state = state;
    this.#tools = tools;
    this.#turn = tools.createTurn();
    this.engine = engine;
    /** Hears of what happens, by name. */
    this.on = this.#events.on;
  }

  /**
   * Opens a model; the one that was open is let go.
   * @param {Choice} choice
   */
  open(choice) {
    this.engine.dispose();
    this.#state.set({ choice });
    this.#open = this.#small = false;
    return this.#run("open", () => this.#openModel().then(say.ready));
  }

  /**
   * Makes pictures.
   * @param {() => Wanted} wanted may throw what is wrong with it
   * @param {boolean} [tells] whether a fault is shown; without it the caller does that
   */
  make(wanted, tells = true) {
    const job = async () => {
      const what = wanted();
      await this.#ready(say.preparing(what.count));
      if (this.#small) this.#emit("note", say.smaller());
      return makePictures(this.#making(), what);
    };
    return this.#run("generate", job, tells);
  }

  /** Compares the model's pictures with what they should be. */
  verify() {
    return this.#run("verify", async () => {
      await this.#ready(say.verifying());
      const checks = await this.engine.verify(this.#watch());
      const failed = checks.filter(({ verdict }) => verdict === "fail").length;
      return say.verified(failed, checks.length);
    });
  }

  /**
   * Gives the engine to another job, in this tab's turn; the model that was open is let go.
   * @param {(engine: Engine, watch: Watch) => Promise<string>} job
   */
  lend(job) {
    return this.#run("compare", () => {
      this.#open = false;
      this.#state.set({ phase: "generating" });
      return job(this.engine, this.#watch());
    });
  }

  /**
   * Estimates what a picture of Stable Diffusion v1.4 would cost here.
   * @param {(forecast: import("../engine/protocol.js").Forecast) => void} hear
   */
  measure(hear) {
    return this.#run("measure", async () => {
      this.#begin(say.measuring());
      hear(await this.engine.forecast());
      return say.measured();
    });
  }

  /**
   * Times an evaluation of the model that is open; the event `profile` brings it.
   * @param {() => import("../engine/protocol.js").Size} size may throw what is wrong with it
   */
  profile(size) {
    return this.#run("profile", async () => {
      const wanted = size();
      await this.#ready(say.measuring());
      const profile = await this.engine.profile(wanted, undefined, this.#watch());
      const [held, peak] = [await this.engine.held(), await this.engine.memory()];
      this.#emit("profile", { profile, held, peak });
      return say.measured();
    });
  }

  /** The picture rests between two steps, or goes on. */
  async pause() {
    const pausing = !this.#state.get().pausing;
    this.#state.set({ pausing });
    this.#emit("pause", pausing);
    if (pausing) return this.engine.pause();
    const mine = this.#turn;
    try {
      const onWait = () => this.#emit("wait", null);
      await mine.begin({ onWait, signal: this.#stop.signal });
    } catch {
      // Cancelled meanwhile, which the job itself tells.
      return;
    }
    // Another job may have come, or another wish to rest.
    if (mine !== this.#turn) mine.end();
    else if (this.#state.get().pausing) mine.rest();
    else this.engine.resume();
  }

  cancel() {
    this.#stop.abort();
    this.#emit("cancelling", null);
  }

  /** Whether this is the model that is open. @param {Choice} other */
  has(other) {
    return this.#open && JSON.stringify(other) === JSON.stringify(this.#state.get().choice);
  }

  /**
   * @template {keyof import("./protocol.js").SessionEvents} K
   * @param {K} name
   * @param {import("./protocol.js").SessionEvents[K]} detail
   */
  #emit(name, detail) {
    this.#events.emit(name, detail);
  }

  /** What the engine's calls are watched with. */
  #watch() {
    const onProgress = (/** @type {Progress} */ progress) => this.#hear(progress);
    return { onProgress, signal: this.#stop.signal };
  }

  /** @returns {import("./pictures.js").Making} */
  #making() {
    const { opened, previewEvery } = this.#state.get();
    if (!opened) throw new Error("no model is open");
    const { onProgress: hear, signal } = this.#watch();
    const from = { engine: this.engine, events: this.#events, tools: this.#tools };
    return { ...from, opened, hear, signal, previewEvery };
  }

  /** @param {Progress} progress */
  #hear(progress) {
    if (progress.event === "notice" && !this.#tools.isNews(progress.text)) return;
    if (progress.event === "step") this.#step = progress.step;
    this.#emit("progress", progress);
    // While paused the screen may sleep, and another tab may make images.
    if (progress.event === "paused" && this.#state.get().pausing) {
      this.#tools.stayAwake(false);
      this.#turn.rest();
    }
    if (progress.event === "resumed") this.#tools.stayAwake(true);
  }

  async #openModel() {
    this.#state.set({ phase: "loading", opened: null });
    this.#begin(say.opening());
    if (this.#small) this.#emit("note", say.smaller());
    const { model, how } = this.#state.get().choice;
    const kept = this.#small ? { ...how, weights: SMALL } : how;
    const plan = { ...kept, tokenizer: tokenizerAddress(how) };
    const description = await this.engine.open(modelAddress(model), plan, this.#watch());
    this.#open = true;
    const engine = say.engine(model, kept, description);
    const madeBy = this.#small ? `${engine} · weights ${SMALL}` : engine;
    this.#state.set({ opened: { model, how: kept, description, engine, madeBy } });
  }

  /** Opens the model if it is not open, and begins what is to be said. @param {string} sentence */
  async #ready(sentence) {
    if (!this.#open) await this.#openModel();
    this.#state.set({ phase: "generating" });
    this.#begin(sentence);
  }

  /** @param {string} sentence */
  #begin(sentence) {
    this.#step = 0;
    this.#emit("begin", sentence);
  }

  /**
   * Does a job once more with a smaller plan, when memory was short and the user chose no type of
   * weights.
   * @param {() => Promise<string>} job
   */
  async #orSmaller(job) {
    try {
      return await job();
    } catch (error) {
      const short = /** @type {EngineError} */ (error).kind === "out_of_memory";
      if (!short || this.#small || this.#state.get().choice.how.weights) throw error;
      this.#small = true;
      this.#open = false;
      this.engine.dispose();
      return job();
    }
  }

  /**
   * Runs a job in this tab's turn and tells how it ended, unless another has taken its place.
   * @param {Job} name
   * @param {() => Promise<string>} job resolves to what to say at the end
   * @param {boolean} [tells] as of `make`
   * @returns {Promise<Outcome>}
   */
  async #run(name, job, tells = true) {
    const mine = (this.#stop = new AbortController());
    const { signal } = mine;
    const mineTurn = (this.#turn = this.#tools.createTurn());
    this.#emit("start", null);
    this.#tools.stayAwake(true);
    this.#state.set({
      job: name,
      pausing: false,
      phase: this.#open ? "generating" : "loading",
    });
    /** @type {Outcome} */
    let outcome = "cancelled";
    /** @type {string} */
    let text;
    try {
      await mineTurn.begin({ onWait: () => this.#emit("wait", null), signal });
      text = await this.#orSmaller(job);
      if (mine === this.#stop) outcome = this.#succeed(text);
    } catch (error) {
      text = /** @type {Error} */ (error).message;
      if (mine === this.#stop) outcome = this.#fail(/** @type {EngineError} */ (error), tells);
    }
    mineTurn.end();
    if (mine === this.#stop) {
      this.#tools.stayAwake(false);
      this.#state.set({ job: "" });
    }
    this.#emit("end", { job: name, outcome, text });
    return outcome;
  }

  /** @param {string} text @returns {Outcome} */
  #succeed(text) {
    this.#emit("said", text);
    this.#state.set({ phase: "ready" });
    return "done";
  }

  /**
   * @param {EngineError} error
   * @param {boolean} tells
   * @returns {Outcome}
   */
  #fail(error, tells) {
    const { name, kind = name === "AbortError" ? "cancelled" : "other", field } = error;
    const again = kind === "crashed" || kind === "not_fetched";
    const message = again ? `${error.message} ${say.again()}` : error.message;
    if (FATAL.has(kind)) this.#open = false;
    const cancelled = kind === "cancelled";
    this.#emit("said", !cancelled ? "" : this.#open ? say.cancelled(this.#step) : say.notLoaded());
    this.#state.set({
      phase: this.#open && (cancelled || kind === "request") ? "ready" : "error",
    });
    this.#emit("fault", { kind, message, field, tells: tells && !cancelled });
    return cancelled ? "cancelled" : { failed: message, engineGone: !this.#open };
  }
}
