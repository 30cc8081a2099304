// A double of the engine: the same face, no wasm and no GPU. Its pictures are made of the request's
// own bytes, its steps take a moment, and a prompt that names a fault has it.

const PAUSE_MS = 40;
const HASH = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

const FAULTS = new Map([
  ["lose the device", { kind: "device_lost", message: "The graphics device was lost (double)." }],
  ["say my words", { kind: "gpu", message: "A kernel failed at say my words (double)." }],
  [
    "make no numbers",
    { kind: "not_finite", message: "Step 3 gave values that are not numbers (double)." },
  ],
]);

const fault = (given) => Object.assign(new Error(given.message), given);
const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

export default async function init() {}

/** What a picture of v1.4 would cost, as if it had been measured. */
export async function forecast() {
  await pause();
  const memory = { weight_bytes: 2.13e9, peak_bytes: 2.87e9, peak_bytes_f16: null };
  const small = { peak_bytes: 0.61e9, seconds: 9.6 };
  return { steps: 20, ...memory, flops: 3.4e13, seconds: 42.4, small };
}

/** A real PNG file, its rows stored as they are, with the request as JSON inside. */
function png(width, height, rows, request) {
  const [header, size] = [new Uint8Array(13), new Uint8Array(8)];
  new DataView(size.buffer).setUint32(0, width);
  new DataView(size.buffer).setUint32(4, height);
  header.set(size);
  header.set([8, 6], 8);
  const text = new TextEncoder().encode(`darkroom\0\0\0\0\0${JSON.stringify(request)}`);
  const file = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    ...[chunk("IHDR", header), chunk("iTXt", text), chunk("IDAT", zlib(rows)), chunk("IEND", [])],
  ];
  const bytes = new Uint8Array(file.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of file) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Bytes as blocks that are stored, not packed. */
function zlib(bytes) {
  const out = [0x78, 0x01];
  let [a, b] = [1, 0];
  for (let at = 0; at < bytes.length; at += 65535) {
    const block = bytes.subarray(at, at + 65535);
    const { length } = block;
    out.push(at + 65535 >= bytes.length ? 1 : 0, length & 255, length >> 8);
    out.push(~length & 255, (~length >> 8) & 255);
    for (const byte of block) {
      out.push(byte);
      a = (a + byte) % 65521;
      b = (b + a) % 65521;
    }
  }
  return Uint8Array.from([...out, b >> 8, b & 255, a >> 8, a & 255]);
}

function chunk(kind, body) {
  const bytes = new Uint8Array(body.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  bytes.set(new TextEncoder().encode(kind), 4);
  bytes.set(body, 8);
  let crc = ~0;
  for (const byte of bytes.subarray(4, -4)) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  view.setUint32(body.length + 8, ~crc);
  return bytes;
}

/** Bytes as Latin-1. */
const textOf = (bytes = []) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

export function likeness(first, second) {
  const same = first.length === second.length && first.every((byte, i) => byte === second[i]);
  return { psnr: same ? null : 20, ssim: same ? 1 : 0.5, most: same ? 0 : 9 };
}

/**
 * Whether this name is asked for the first time in this browser. A cancel may end the worker, so no
 * variable remembers it.
 */
async function firstTime(name) {
  const known = await caches.has(`double-${name}`);
  await caches.open(`double-${name}`);
  return !known;
}

/** The picture in the middle of grey pixels, which are masked. */
export function outpaint({ width, height, rgba }, [left, top, right, bottom], _seed) {
  const [w, h] = [width + left + right, height + top + bottom];
  const initial = new Uint8ClampedArray(w * h * 4).fill(128);
  const mask = new Uint8ClampedArray(w * h * 4).fill(255);
  for (let i = 0; i < w * h * 4; i++) {
    const [x, y] = [(i >> 2) % w, Math.floor((i >> 2) / w)];
    const inside = x >= left && x < left + width && y >= top && y < top + height;
    if (i % 4 === 3) initial[i] = 255;
    else if (inside) {
      initial[i] = rgba[((y - top) * width + x - left) * 4 + (i % 4)];
      mask[i] = 0;
    }
  }
  return {
    initial: { width: w, height: h, rgba: initial },
    mask: { width: w, height: h, rgba: mask },
  };
}

/** The store, of tests that ask for it by a cache of this name: two upscalers. */
export class Shelf {
  static async open() {
    if (!(await caches.has("double-shelf"))) throw new Error("There is no store (double).");
    return new Shelf();
  }

  lost() {
    return [];
  }

  list() {
    return ["twice", "slow"].map((id, i) => {
      const sha256 = HASH.replace(/^b/, String(i));
      const path = `${id}.pth`;
      const licence = { name: "not told" };
      const more = { base: "", hosts: [], chunk_bytes: 1 << 24 };
      const file = { path, bytes: 7, sha256 };
      const manifest = { format: 1, id, title: id, kind: "upscaler", licence, ...more };
      return {
        manifest: { ...manifest, files: [file] },
        ...{ address: "", licence_text: null, accepted: null, complete: "2026", verified: null },
        files: { [path]: { bytes: 7, sha256, pinned: null } },
        ...{ bytes_stored: 7, bytes_total: 7, chunks_stored: 1, must_accept: false },
      };
    });
  }

  stop() {}
}

export class Engine {
  #cancelled = false;
  #weights = "";
  #parts = [];
  #rests = false;
  #ends = false;

  async open(model, options, onProgress) {
    this.#cancelled = false;
    this.#weights = options.weights ?? "";
    const vae = options.vae?.split("/").at(-1);
    this.#parts = vae ? [{ part: "vae", name: vae, sha256: HASH }] : [];
    const parts = model.includes("slow") && (await firstTime("slow")) ? 10_000 : 4;
    for (let done = 0; done <= parts; done++) {
      await pause();
      onProgress({ event: "loading", part: "unet", bytes_done: done, bytes_total: parts });
      if (this.#cancelled) throw fault({ kind: "cancelled", message: "Cancelled." });
    }
    if (model.includes("missing")) {
      throw fault({ kind: "not_found", message: `${model} was not found (double).` });
    }
    if (model.includes("short")) {
      // An adapter that has less memory than expected; and what is told of memory.
      const { memory, memory_refused, mobile } = options;
      onProgress({ event: "memory_refused", bytes: 2_700_000_000 });
      const text = `told: ${JSON.stringify({ memory, memory_refused, mobile })} (double)`;
      onProgress({ event: "notice", text });
    }
    const device = options.device === "cpu" ? "cpu" : "webgpu";
    // As a latent consistency model has it.
    const few = model.includes("few");
    const made_for = few ? { sampler: "lcm", steps: 4, guidance_scale: 8.5 } : null;
    const samplers = ["ddim", "euler", ...(few ? ["lcm"] : [])];
    const can = { factor: 8, width: 64, height: 64, samplers, made_for };
    const of = { title: "The double", repository: null, revision: "0123456789", sha256: HASH };
    const tuning = ["an adapter", "matmul=double", "0123abcd"];
    const kernels = device === "webgpu" ? { tuning } : {};
    const whose = model.includes("other") ? null : of;
    const [purpose = "generate"] = /inpaint|edit/.exec(model) ?? [];
    const adapter_kind = options.adapter === "software" ? "software" : "hardware";
    return { ...can, ...kernels, parameters: 7, device, adapter_kind, model: whose, purpose };
  }

  async generate(request, onProgress, beside) {
    this.#cancelled = this.#rests = false;
    const { prompt, steps, count = 1 } = request;
    // As where the memory has room for one image at a time.
    if (prompt === "one by one" && count > 1) {
      for (let index = 0; ; index++) {
        const seed = String(BigInt(request.seed) + BigInt(index));
        const picture = await this.generate({ ...request, count: 1, seed }, onProgress, beside);
        if (index + 1 === count) return picture;
        onProgress({ event: "picture", index, picture });
        await pause();
        if (this.#cancelled) throw fault({ kind: "cancelled", message: "Cancelled." });
      }
    }
    if (request.strength !== undefined && request.strength !== null && !beside.initial) {
      throw fault({
        kind: "request",
        field: "initial picture",
        message: "The initial picture is missing (double).",
      });
    }
    for (const { address, image, weight } of beside.controls ?? []) {
      const text = `control ${address} ${weight} ${image.width}×${image.height} (double)`;
      onProgress({ event: "notice", text });
    }
    if (beside.upscaler) onProgress({ event: "notice", text: `upscaler ${beside.upscaler}` });
    const ofMask = request.mask_blur || request.padding_mask_crop !== undefined;
    if (ofMask && !beside.mask) {
      throw fault({ kind: "request", field: "mask", message: "The mask is missing (double)." });
    }
    if (!(steps >= 1 && steps <= 1000)) {
      throw fault({
        kind: "request",
        field: "steps",
        message: "The steps must be a whole number from 1 to 1000.",
      });
    }
    if (prompt === "write an error") console.error("seven");
    if (prompt.length > 200) onProgress({ event: "notice", text: "The prompt is long (double)." });
    this.#ends = false;
    for (let step = 0; step <= steps && !this.#ends; step++) {
      onProgress({ event: "step", step, steps });
      const values = Float32Array.from({ length: 4 * 8 * 8 }, (_, i) => Math.sin(i + step));
      if (beside.latents) onProgress({ event: "latents", shape: [4, 8, 8], values });
      if (beside.pictures && step > 0 && step % beside.pictures === 0) {
        const rgba = new Uint8ClampedArray(64 * 64 * 4).fill(200);
        onProgress({ event: "preview", width: 64, height: 64, rgba });
      }
      await pause();
      if (this.#rests) {
        onProgress({ event: "paused" });
        while (this.#rests && !this.#cancelled) await pause();
        if (!this.#cancelled) onProgress({ event: "resumed" });
      }
      if (this.#cancelled) throw fault({ kind: "cancelled", message: "Cancelled." });
      if (FAULTS.has(prompt) && step === 2) throw fault(FAULTS.get(prompt));
      if (prompt === "fill the memory" && this.#weights !== "f16") {
        throw fault({ kind: "out_of_memory", message: "The memory is too small (double)." });
      }
      // As a long step on the CPU, in which nothing is heard.
      while (prompt === "hear nothing" && step === 1);
      if (prompt === "panic" && step === 2) {
        setTimeout(() => {
          throw new WebAssembly.RuntimeError("unreachable");
        });
        await new Promise(() => {});
      }
    }
    for (let index = 0; index < count; index++) {
      onProgress({ event: "decoding" });
      const one = { ...request, count: 1, seed: String(BigInt(request.seed || 0) + BigInt(index)) };
      const picture = this.#picture(one, beside.initial, beside.mask, beside.controls);
      if (index + 1 === count) return picture;
      onProgress({ event: "picture", index, picture });
    }
  }

  /**
   * Made of the request's bytes, and of the picture to begin with. With a mask that picture stays
   * where the mask is black. The pictures of controls shine through.
   */
  #picture(request, initial, mask, controls = []) {
    const { prompt } = request;
    const width = request.width ?? 64;
    const height = request.height ?? 64;
    const seed = new TextEncoder().encode(request.seed + prompt);
    const at = (picture, i) => {
      const [x, y] = [(i >> 2) % width, Math.floor((i >> 2) / width)];
      const column = Math.floor((x * picture.width) / width);
      const row = Math.floor((y * picture.height) / height);
      return picture.rgba[(row * picture.width + column) * 4 + (i % 4)];
    };
    const guided = (i) =>
      controls.reduce((sum, { image, weight }) => sum + (weight * at(image, i)) / 8, 0);
    const drawn = (i) => 90 + ((seed[((i % 4) * 7) % seed.length] ^ (i >> 6)) % 120) + guided(i);
    const rgba = new Uint8ClampedArray(width * height * 4).map((_, i) => {
      if (i % 4 === 3) return 255;
      if (mask) return at(mask, i) > 127 ? drawn(i) : at(initial, i);
      return initial ? initial.rgba[i % initial.rgba.length] : drawn(i);
    });
    const rows = Uint8Array.from({ length: height * (width * 4 + 1) }, (_, i) => {
      const x = i % (width * 4 + 1);
      return x === 0 ? 0 : rgba[Math.floor(i / (width * 4 + 1)) * width * 4 + x - 1];
    });
    const file = png(width, height, rows, { ...request, width, height });
    return { width, height, rgba, png: file, safety: "passed", parts: this.#parts };
  }

  /** Twice as wide, each pixel four times. The texts of the picture's own file are kept. */
  async upscale(address, { width, height, rgba }, options, onProgress) {
    this.#cancelled = false;
    onProgress({ event: "loading", part: "upscaler", bytes_done: 1, bytes_total: 1 });
    const total = address.includes("slow") ? 100 : 4;
    for (let done = 0; done <= total; done++) {
      onProgress({ event: "enlarging", done, total });
      await pause();
      if (this.#cancelled) throw fault({ kind: "cancelled", message: "Cancelled." });
    }
    const [w, h] = [2 * width, 2 * height];
    const large = new Uint8ClampedArray(w * h * 4).map((_, i) => {
      const [x, y] = [(i >> 2) % w, Math.floor((i >> 2) / w)];
      return rgba[((y >> 1) * width + (x >> 1)) * 4 + (i % 4)];
    });
    const rows = Uint8Array.from({ length: h * (w * 4 + 1) }, (_, i) => {
      const x = i % (w * 4 + 1);
      return x === 0 ? 0 : large[Math.floor(i / (w * 4 + 1)) * w * 4 + x - 1];
    });
    const [, json = "{}"] =
      /darkroom\0{5}(\{.*?\})(?=.{4}....IDAT)/su.exec(textOf(options.png)) ?? [];
    return { width: w, height: h, rgba: large, png: png(w, h, rows, JSON.parse(json)) };
  }

  memory() {
    return 1e6;
  }

  held() {
    return { gpu_bytes: 3 << 20, gpu_buffers: 7, wasm_bytes: 5 << 20 };
  }

  tokens(prompt, reading) {
    const words = prompt.split(/\s+/).filter((word) => word);
    const chunks = reading.long_prompt === "chunks" ? Math.ceil(words.length / 75) || 1 : 1;
    const room = 75 * chunks;
    const cut = words.slice(room).join(" ") || null;
    return { used: Math.min(words.length, room), room, chunks, cut };
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

  async profile({ width, height }, runs, onProgress) {
    this.#cancelled = false;
    if (width % 8) {
      const message = "The width must be a multiple of 8 (double).";
      throw fault({ kind: "request", field: "width", message });
    }
    for (let step = 0; step <= 100; step += 5) {
      onProgress({ event: "step", step, steps: 100 });
      await pause();
      if (this.#cancelled) throw fault({ kind: "cancelled", message: "Cancelled." });
    }
    const of = (kernel, dispatches, seconds, gflop, mb) => {
      return { kernel, dispatches, seconds, gflop, mb, of_peak: 0, of_copy: 0 };
    };
    const evaluation = {
      size: [width ?? 64, height ?? 64],
      seconds: 0.3,
      kernels: [
        of("conv2d", 48, 0.25, 12, 300),
        of("norm", 30, 0.05, 0.1, 200),
        of("sum", 1, 0, 0, 1),
      ],
      by_device_clock: true,
      tuning: "matmul=double",
      peaks: { gflops: 100, gbps: 10 },
    };
    const types = { precision: "f32", weights: null };
    return { schema: 1, version: "0.0.0", adapter: "", ...types, evaluations: [evaluation] };
  }

  cancel() {
    this.#cancelled = true;
  }

  end_early() {
    this.#ends = true;
  }

  pause() {
    this.#rests = true;
  }

  resume() {
    this.#rests = false;
  }

  free() {}
}
