// A session with an engine that does as it is told, for tests without a browser.

const page = { baseURI: "http://localhost/", documentElement: {} };
Object.assign(globalThis, { document: page, location: new URL("http://localhost/") });
const { Session } = await import("../../../web/session/session.js");
const { createPage } = await import("../../../web/state/page.js");

export const DESCRIPTION = { factor: 8, width: 64, height: 64, device: "cpu", model: null };
export const CHOICE = { model: "models/demo", how: {} };

/** @param {string} kind @param {string} [field] */
export const fault = (kind, field) => Object.assign(new Error(`a fault: ${kind}`), { kind, field });

/** @param {number} seed */
export const picture = (seed) => ({
  width: 64,
  height: 64,
  rgba: new Uint8ClampedArray(4),
  png: new Uint8Array([seed % 256]),
  safety: "off",
});

/** An engine that does as it is told; `calls` is what it was asked. */
export function fakeEngine() {
  /** @type {any[]} */
  const calls = [];
  const engine = {
    calls,
    /** @type {(options: any) => void} */
    onOpen: () => {},
    /** @type {(request: any, watch: any) => any} */
    onGenerate: () => {},
    async open(/** @type {string} */ model, /** @type {any} */ options) {
      calls.push(["open", model, options.weights]);
      engine.onOpen(options);
      return DESCRIPTION;
    },
    async generate(/** @type {any} */ request, /** @type {any} */ watch) {
      calls.push(["generate", request.seed, request.count ?? 1]);
      await engine.onGenerate(request, watch);
      for (let i = 0; i < (request.count ?? 1) - 1; i++)
        watch.onProgress({ event: "picture", index: i, picture: picture(i) });
      return picture(99);
    },
    async verify(/** @type {any} */ watch) {
      watch.onProgress({ event: "check", verdict: "pass" });
      return [{ verdict: "pass" }, { verdict: "fail" }];
    },
    pause: () => calls.push(["pause"]),
    resume: () => calls.push(["resume"]),
    dispose: () => calls.push(["dispose"]),
  };
  return engine;
}

/** A session with all its events, by name. */
export function sessionOf() {
  const state = createPage();
  const engine = fakeEngine();
  /** @type {any[]} */
  const kept = [];
  /** @type {any} */
  const platform = {
    stayAwake() {},
    createTurn: () => ({ async begin() {}, end() {}, rest: () => told.push(["rest"]) }),
    pixelsOf: async (/** @type {Blob} */ file) => ({ width: file.size, height: 1 }),
    startImageFile: async (/** @type {string} */ number) =>
      number === "1" ? new Blob(["12"]) : undefined,
    lorasOf: async (/** @type {any[]} */ chosen, /** @type {string[]} */ named) => ({
      loras: [...chosen.map(({ name }) => name), ...named].map((name) => ({ address: name })),
      missing: chosen.map(({ name }) => name).filter((name) => name === "absent"),
    }),
    controlsOf: async (/** @type {any[]} */ choices) =>
      choices.map(({ name }) => ({ address: name })),
    upscalerOf: async (/** @type {any} */ { name }) => `stored:${name}`,
    embeddingsIn: () => [],
    keepImage: async (/** @type {any} */ about) => void kept.push(about),
    storageSentence: async () => null,
    shouldShow: (/** @type {string} */ text) => text !== "old",
  };
  const session = new Session(state, /** @type {any} */ (engine), platform);
  /** @type {any[][]} */
  const told = [];
  for (const name of /** @type {const} */ ([
    ...["start", "begin", "progress", "note", "wait", "pause", "cancelling", "run", "runEnd"],
    ...["received", "made", "unkept", "profile", "said", "fault", "end"],
  ]))
    session.on(/** @type {any} */ (name), (/** @type {any} */ detail) => told.push([name, detail]));
  const named = (/** @type {string} */ name) => told.filter(([one]) => one === name);
  return { state, engine, session, told, named, kept, platform };
}

export const wanted = (seed = "7", count = 1) => ({ request: { prompt: "a cat", seed }, count });
