// Runs the page's tasks on the engine: opening a model, making and storing images, verifying,
// measuring. One task at a time; a new task replaces the one that runs. The page's state says what
// runs (state/page.js); events say what happens (protocol.js).

import { FATAL } from "../engine/protocol.js";
import { modelAddress, partAddresses, tokenizerAddress, withoutParts } from "../options.js";
import { createEvents } from "../state/events.js";
import { say } from "../strings.js";
import { makePictures } from "./pictures.js";

/** @typedef {import("../engine/client.js").EngineError} EngineError */
/** @typedef {import("../engine/client.js").Watch} Watch */
/** @typedef {import("../state/page.js").Choice} Choice */
/** @typedef {import("../state/page.js").Page} Page */
/** @typedef {import("../state/page.js").Task} Task */
/** @typedef {import("./protocol.js").Engine} Engine */
/** @typedef {import("./protocol.js").Events} Events */
/** @typedef {import("./protocol.js").Outcome} Outcome */
/** @typedef {import("./protocol.js").Platform} Platform */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("./protocol.js").Wanted} Wanted */

/** The type of weights to retry with when memory is short: half the size of f32. */
const SMALL = "f16";

/** @param {Choice | null} a @param {Choice | null} b */
const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** One engine, and the task that it runs. */
export class Session {
  /** @type {Events} */
  #events = createEvents();
  #state;
  #platform;
  /** Whether the engine has opened the model of `#choice`. */
  #open = false;
  /** The model of a job that names one, in place of `state.choice`. @type {Choice | null} */
  #instead = null;
  /** Whether the model is opened with `SMALL` weights, because memory was short. */
  #small = false;
  /** Cancels the running task; each task has a controller of its own. */
  #stop = new AbortController();
  /** The running task's lock between tabs: only one tab computes at a time (tab/turn.js). */
  #turn;
  /** Resolves when the last task has ended. @type {Promise<void>} */
  #ended = Promise.resolve();
  /** The number of the last finished step. */
  #step = 0;

  /**
   * @param {Page} state
   * @param {Engine} engine
   * @param {Platform} platform
   */
  constructor(state, engine, platform) {
    this.#state = state;
    this.#platform = platform;
    this.#turn = platform.createTurn();
    this.engine = engine;
    /** Adds a listener to an event. */
    this.on = this.#events.on;
  }

  /**
   * Opens a model. The one that was open is closed first.
   * @param {Choice} choice
   */
  open(choice) {
    this.engine.dispose();
    this.#state.set({ choice });
    this.#use(null);
    this.#open = this.#small = false;
    return this.#run("open", () => this.#openModel().then(say.ready));
  }

  /**
   * Makes images.
   * @param {() => Wanted} wanted reads the request; throws if a field is wrong
   * @param {boolean} [show] whether the form shows a fault; false if the caller does
   * @param {Choice} [choice] the model to open for them, in place of `state.choice`
   */
  make(wanted, show = true, choice) {
    const work = async () => {
      const what = wanted();
      await this.#ready(say.preparing(what.count), choice);
      if (this.#small) this.#emit("note", say.smaller());
      return makePictures(this.#making(), what);
    };
    return this.#run("generate", work, show);
  }

  /** Opens the model of `state.choice` again, if a job's own stands in its place. */
  async restore() {
    if (this.#instead) await this.open(this.#state.get().choice);
  }

  /** Compares the model's images with reference values. */
  verify() {
    return this.#run("verify", async () => {
      await this.#ready(say.verifying());
      const checks = await this.engine.verify(this.#watch());
      const failed = checks.filter(({ verdict }) => verdict === "fail").length;
      return say.verified(failed, checks.length);
    });
  }

  /**
   * Runs work that uses the engine directly, as the task "compare". The model that was open counts
   * as closed afterwards, because the work may open others.
   * @param {(engine: Engine, watch: Watch) => Promise<string>} work
   */
  runWith(work) {
    return this.#run("compare", () => {
      this.#open = false;
      this.#state.set({ phase: "generating" });
      return work(this.engine, this.#watch());
    });
  }

  /**
   * Runs work that enlarges pictures, as the task "enlarge". The open model stays open.
   * @param {string} sentence to show at first
   * @param {(engine: Engine, watch: Watch) => Promise<string>} work
   */
  enlarge(sentence, work) {
    const begin = () => {
      // Also without a model: what would be lost is asked for before the page is left.
      this.#state.set({ phase: "generating" });
      this.#begin(sentence);
      return work(this.engine, this.#watch());
    };
    return this.#run("enlarge", begin, false);
  }

  /**
   * Estimates time and memory of an image of Stable Diffusion v1.4 on this device.
   * @param {(forecast: import("../engine/protocol.js").Forecast) => void} hear gets the estimate
   */
  measure(hear) {
    return this.#run("measure", async () => {
      this.#begin(say.measuring());
      hear(await this.engine.forecast());
      return say.measured();
    });
  }

  /**
   * Times an evaluation of the model that is open. The event `profile` has the result.
   * @param {() => import("../engine/protocol.js").Size} size reads it; throws if it is wrong
   */
  profile(size) {
    return this.#run("profile", async () => {
      const wanted = size();
      await this.#ready(say.measuring());
      const report = await this.engine.profile(wanted, undefined, this.#watch());
      const [held, peak] = [await this.engine.held(), await this.engine.memory()];
      this.#emit("profile", { report, held, peak });
      return say.measured();
    });
  }

  /** Pauses the run after the present step, or resumes it. */
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
      // Cancelled while it waited: the task itself reports that.
      return;
    }
    // While this waited for the lock, another task may have begun, or the user paused again.
    if (mine !== this.#turn) mine.end();
    else if (this.#state.get().pausing) mine.rest();
    else this.engine.resume();
  }

  /** Ends the image in work with the next step, and keeps what there is of it. */
  endEarly() {
    this.engine.endEarly();
  }

  cancel() {
    this.#stop.abort();
    this.#emit("cancelling", null);
  }

  /**
   * Whether this model is open, with these options, or is opened again after a job's own.
   * @param {Choice} other
   */
  has(other) {
    return (this.#open || !!this.#instead) && isSame(other, this.#state.get().choice);
  }

  /** What is opened, or is to be. */
  #choice() {
    return this.#instead ?? this.#state.get().choice;
  }

  /**
   * Chooses what is to be open.
   * @param {Choice | null} own a job's own model; null for that of the page
   */
  #use(own) {
    const instead = own && isSame(own, this.#state.get().choice) ? null : own;
    if (isSame(instead, this.#instead)) return;
    this.#instead = instead;
    this.#open = this.#small = false;
  }

  /**
   * @template {keyof import("./protocol.js").SessionEvents} K
   * @param {K} name
   * @param {import("./protocol.js").SessionEvents[K]} detail
   */
  #emit(name, detail) {
    this.#events.emit(name, detail);
  }

  /** Progress listener and signal for a call of the engine. */
  #watch() {
    const onProgress = (/** @type {Progress} */ progress) => this.#hear(progress);
    return { onProgress, signal: this.#stop.signal };
  }

  /** @returns {import("./pictures.js").Making} */
  #making() {
    const { opened, previewEvery: chosen } = this.#state.get();
    // A TAESD decodes a preview at next to no cost.
    const previewEvery = chosen || (opened?.how.taesd ? 1 : 0);
    if (!opened) throw new Error("no model is open");
    const { onProgress: hear, signal } = this.#watch();
    const from = { engine: this.engine, events: this.#events, platform: this.#platform };
    return { ...from, opened, hear, signal, previewEvery };
  }

  /** @param {Progress} progress */
  #hear(progress) {
    if (progress.event === "notice" && !this.#platform.shouldShow(progress.text)) return;
    if (progress.event === "step") this.#step = progress.step;
    this.#emit("progress", progress);
    // While paused: let the screen sleep and give the lock to other tabs.
    if (progress.event === "paused" && this.#state.get().pausing) {
      this.#platform.stayAwake(false);
      this.#turn.rest();
    }
    if (progress.event === "resumed") this.#platform.stayAwake(true);
  }

  async #openModel() {
    this.#state.set({ phase: "loading", opened: null });
    this.#begin(say.opening());
    if (this.#small) this.#emit("note", say.smaller());
    const { model, how } = this.#choice();
    let used = this.#small ? { ...how, weights: SMALL } : how;
    const parts = partAddresses(how);
    const options = { ...used, ...parts, tokenizer: tokenizerAddress(how) };
    const open = (/** @type {typeof options} */ all) =>
      this.engine.open(modelAddress(model), all, this.#watch());
    const description = await open(options).catch((error) => {
      if (error.kind !== "not_found" || !Object.keys(parts).length) throw error;
      // What a job names must be there.
      if (this.#instead) throw error;
      // A part that is not stored any more does not keep the model from being used.
      this.#emit("note", say.withoutParts(error.message));
      used = withoutParts(used);
      return open(withoutParts(options));
    });
    this.#open = true;
    const engine = say.engine(model, used, description);
    const madeBy = this.#small ? `${engine} · weights ${SMALL}` : engine;
    this.#state.set({ opened: { model, how: used, description, engine, madeBy } });
  }

  /**
   * Opens the model if it is not open, then shows a sentence.
   * @param {string} sentence
   * @param {Choice | null} [own] a job's own model
   */
  async #ready(sentence, own = null) {
    this.#use(own);
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
   * Does work; if memory was short and the user did not choose a type of weights, does it once more
   * with `SMALL` weights.
   * @param {() => Promise<string>} work
   */
  async #orSmaller(work) {
    try {
      return await work();
    } catch (error) {
      const short = /** @type {EngineError} */ (error).kind === "out_of_memory";
      if (!short || this.#small || this.#choice().how.weights) throw error;
      this.#small = true;
      this.#open = false;
      this.engine.dispose();
      return work();
    }
  }

  /**
   * Runs a task once the one that it replaces has ended, and this tab has the lock. Reports how it
   * ended, unless another task has replaced it.
   * @param {Task} task
   * @param {() => Promise<string>} work resolves to the sentence to show at the end
   * @param {boolean} [show] as for `make`
   * @returns {Promise<Outcome>}
   */
  async #run(task, work, show = true) {
    this.#stop.abort();
    const mine = (this.#stop = new AbortController());
    const { signal } = mine;
    const former = this.#ended;
    let end = () => {};
    this.#ended = new Promise((resolve) => (end = resolve));
    const turn = (this.#turn = this.#platform.createTurn());
    this.#emit("start", null);
    this.#platform.stayAwake(true);
    this.#state.set({ task, pausing: false, phase: this.#open ? "generating" : "loading" });
    /** @type {Outcome} */
    let outcome = "cancelled";
    /** @type {string} */
    let text;
    try {
      await former;
      await turn.begin({ onWait: () => this.#emit("wait", null), signal });
      // Replaced or cancelled before it had begun.
      signal.throwIfAborted();
      // Another type of the model's weights does not help an upscaler.
      text = await (task === "enlarge" ? work() : this.#orSmaller(work));
      if (mine === this.#stop) outcome = this.#succeed(text);
    } catch (error) {
      text = /** @type {Error} */ (error).message;
      if (mine === this.#stop) outcome = this.#fail(/** @type {EngineError} */ (error), show);
    }
    turn.end();
    end();
    if (mine === this.#stop) {
      this.#platform.stayAwake(false);
      this.#state.set({ task: "" });
    }
    this.#emit("end", { task, outcome, text });
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
   * @param {boolean} show
   * @returns {Outcome}
   */
  #fail(error, show) {
    const { name, kind = name === "AbortError" ? "cancelled" : "other", field } = error;
    const again = kind === "crashed" || kind === "not_fetched";
    const message = again ? `${error.message} ${say.again()}` : error.message;
    if (FATAL.has(kind)) this.#open = false;
    const cancelled = kind === "cancelled";
    this.#emit("said", !cancelled ? "" : this.#open ? say.cancelled(this.#step) : say.notLoaded());
    this.#state.set({
      phase: this.#open && (cancelled || kind === "request") ? "ready" : "error",
    });
    this.#emit("fault", { kind, message, field, show: show && !cancelled });
    return cancelled ? "cancelled" : { failed: message, engineGone: !this.#open };
  }
}
