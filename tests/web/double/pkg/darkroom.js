// A double of the engine: the same face, no wasm and no GPU. Its pictures are made of the request's
// own bytes, its steps take a moment, and a prompt that names a fault has it.

const PAUSE_MS = 40;

const FAULTS = new Map([
  ["lose the device", { kind: "device_lost", message: "The graphics device was lost (double)." }],
  [
    "make no numbers",
    { kind: "not_finite", message: "Step 3 gave values that are not numbers (double)." },
  ],
]);

const fault = (given) => Object.assign(new Error(given.message), given);
const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

export default async function init() {}

export class Engine {
  /** A model called slow loads slowly until that has been cancelled once. */
  static #hurries = false;
  #cancelled = false;

  async open(model, options, onProgress) {
    this.#cancelled = false;
    const parts = model.includes("slow") && !Engine.#hurries ? 10_000 : 4;
    for (let done = 0; done <= parts; done++) {
      await pause();
      onProgress({ event: "loading", part: "unet", bytes_done: done, bytes_total: parts });
      if (this.#cancelled) {
        Engine.#hurries = true;
        throw fault({ kind: "cancelled", message: "Cancelled." });
      }
    }
    if (model.includes("missing")) {
      throw fault({ kind: "not_found", message: `${model} was not found (double).` });
    }
    const device = options.device === "cpu" ? "cpu" : "webgpu";
    const can = { factor: 8, width: 64, height: 64, samplers: ["ddim", "euler"] };
    return { ...can, parameters: 7, device };
  }

  async generate(request, onProgress) {
    this.#cancelled = false;
    const { prompt, steps } = request;
    if (!(steps >= 1 && steps <= 1000)) {
      throw fault({
        kind: "request",
        field: "steps",
        message: "The steps must be a whole number from 1 to 1000.",
      });
    }
    if (prompt.length > 200) onProgress({ event: "notice", text: "The prompt is long (double)." });
    for (let step = 0; step <= steps; step++) {
      onProgress({ event: "step", step, steps });
      await pause();
      if (this.#cancelled) throw fault({ kind: "cancelled", message: "Cancelled." });
      if (FAULTS.has(prompt) && step === 2) throw fault(FAULTS.get(prompt));
      if (prompt === "panic" && step === 2) {
        setTimeout(() => {
          throw new WebAssembly.RuntimeError("unreachable");
        });
        await new Promise(() => {});
      }
    }
    onProgress({ event: "decoding" });
    const width = request.width ?? 64;
    const height = request.height ?? 64;
    const seed = new TextEncoder().encode(request.seed + prompt);
    const rgba = new Uint8ClampedArray(width * height * 4).map((_, i) =>
      i % 4 === 3 ? 255 : 90 + ((seed[((i % 4) * 7) % seed.length] ^ (i >> 6)) % 120),
    );
    return { width, height, rgba, png: new TextEncoder().encode("double") };
  }

  async verify(onProgress) {
    this.#cancelled = false;
    const checks = [];
    onProgress({ event: "notice", text: "This is a double." });
    for (const [name, difference] of Object.entries({ ddim: 0.00001, pndm: 0.01 })) {
      for (let step = 0; step <= 3; step++) {
        onProgress({ event: "step", step, steps: 3 });
        await pause();
        if (this.#cancelled) throw fault({ kind: "cancelled", message: "Cancelled." });
      }
      const verdict = difference < 0.003 ? "pass" : "fail";
      const numbers = { expected: [0.5], got: [0.5 + difference] };
      checks.push({ name, ...numbers, difference, tolerance: 0.003, bound: 0.003, verdict });
      onProgress({ event: "check", ...checks.at(-1) });
    }
    return checks;
  }

  cancel() {
    this.#cancelled = true;
  }

  free() {}
}
