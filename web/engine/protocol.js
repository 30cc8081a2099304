// What the page and the engine's worker tell each other: calls, their answers, progress. How a call
// is sent is in rpc/.

/**
 * How to open a model: `precision` of activations is f32 or f16; `weights` are f32, f16, q8_0, q5_0
 * or q4_0, and without it as the files have them; `device` is auto, webgpu or cpu; `safety`
 * is on or off; `tokenizer` is the address of the folder with a single file's tokenizer, and
 * without it that is `tokenizer/` beside the file; `rest` is fetch where what is missing of a
 * stored model may be fetched now; `kernels` is tuned, the fastest of this adapter, measured at its
 * first time, or fixed, as without it, for pictures that repeat byte for byte; `prediction` is
 * epsilon or v_prediction, where the model's files do not say what its UNet predicts.
 * @typedef {{ precision?: string, weights?: string, device?: string, safety?: string,
 * tokenizer?: string, rest?: string, kernels?: string, prediction?: string }} Options
 *
 * What to make: the fields of a request, which are described at their table. Numbers may be given
 * as typed: the engine says what is wrong with them.
 * @typedef {import("./fields.js").Fields & { prompt: string, seed: string, count?: number,
 *   clip_skip?: number }} Request
 *
 * Width and height of a request.
 * @typedef {Pick<Request, "width" | "height">} Size
 *
 * A picture's pixels, row by row, four bytes each.
 * @typedef {{ width: number, height: number, rgba: Uint8ClampedArray<ArrayBuffer> }} Pixels
 *
 * What comes beside a request: the picture to begin with, of any size; whether the latents after
 * every step are wanted, without the noise that is left in them, and after how many steps a picture
 * of them, which costs a run of the decoder. Without it none of that.
 * @typedef {{ initial?: Pixels | undefined, latents?: boolean, pictures?: number }} Beside
 *
 * What an open model is and can do.
 * @typedef {object} Description
 * @property {number} factor sides are multiples of it
 * @property {number} width for a request that names none
 * @property {number} height as width
 * @property {string[]} samplers
 * @property {Record<string, Abilities>} [abilities] of each of them, by name
 * @property {Record<string, unknown>} [request] the fields of a request with what this model
 * allows, as a JSON Schema
 * @property {number} text_layers the most for a request's clip_skip
 * @property {number} parameters numbers in its weights
 * @property {"webgpu" | "cpu"} device who computes
 * @property {string} adapter what the browser tells of the graphics adapter
 * @property {Provenance | null} model where it is from, as far as its parts list says
 * @property {[key: string, text: string, id: string]} [tuning] the kernels that run: what their
 * choice is kept under, its text, and eight digits that stand for it; none on the CPU
 *
 * Which settings a sampler has: `eta`, `karras`, `spacing` of a request, and `sigma_min`, whether
 * it can end at the smallest noise level of training.
 * @typedef {Record<string, boolean>} Abilities
 *
 * A model's name, where and in which version it was published, and the SHA-256 of its UNet's
 * weights (of a model in one file: of that file).
 * @typedef {{ title: string, repository: string | null, revision: string | null,
 * sha256: string | null }} Provenance
 *
 * What is held now, in bytes and buffers; of the engine's own worker.
 * @typedef {{ gpu_bytes: number, gpu_buffers: number, wasm_bytes: number }} Held
 *
 * What an evaluation of the open model's UNet takes, two prompts as with guidance.
 * @typedef {object} Profile
 * @property {[width: number, height: number]} size of the picture, in pixels
 * @property {number} seconds as a picture has it: nothing between the dispatches is waited for
 * @property {KernelTime[]} kernels the slowest first
 * @property {boolean} by_device_clock else each dispatch is waited for, and that counts too
 * @property {string} tuning the text of the kernels' choice
 * @property {{ gflops: number, gbps: number }} peaks the adapter's: 10⁹ floating-point operations
 * and 10⁹ bytes a second
 * @property {string} version of Darkroom
 *
 * All dispatches of a kernel, each alone: seconds, 10⁹ floating-point operations, 10⁶ bytes, and
 * the shares of both peaks, 0 to 1.
 * @typedef {{ kernel: string, dispatches: number, seconds: number, gflop: number, mb: number,
 * of_peak: number, of_copy: number }} KernelTime
 *
 * What a picture of Stable Diffusion v1.4, 512 × 512, would cost on this machine's adapter.
 * @typedef {object} Forecast
 * @property {number} steps
 * @property {number} weight_bytes in f16
 * @property {number} peak_bytes all buffers at the worst moment, with f32 activations
 * @property {number | null} peak_bytes_f16 with f16 activations, where the adapter has shader-f16
 * @property {number} flops
 * @property {number} seconds as estimated from kernels that were timed
 *
 * @typedef {{ event: "loading", part: string, bytes_done: number, bytes_total: number }
 *   | { event: "tuning", done: number, total: number }
 *   | { event: "compiling", done: number, total: number }
 *   | { event: "notice", text: string }
 *   | { event: "step", step: number, steps: number }
 *   | { event: "latents", shape: number[], values: Float32Array }
 *   | { event: "preview", width: number, height: number, rgba: Uint8ClampedArray<ArrayBuffer> }
 *   | { event: "paused" }
 *   | { event: "resumed" }
 *   | { event: "decoding" }
 *   | { event: "picture", index: number, picture: Picture }
 *   | ({ event: "check" } & Check)} Progress
 *
 * A comparison of a verification: a picture's last nine numbers as they should be and as they are,
 * and the largest difference of all that were compared. A difference that only the chosen precision
 * allows is a verdict of its own.
 * @typedef {object} Check
 * @property {string} name
 * @property {number[]} expected
 * @property {number[]} got
 * @property {number} difference
 * @property {number} tolerance of f32
 * @property {number} bound of this precision
 * @property {"pass" | "precision" | "fail"} verdict
 *
 * A finished picture. Of a request with a count, `generate` resolves to the last one, and each of
 * those before it comes as progress when it is finished: a cancel loses none of them.
 * @typedef {object} Picture
 * @property {number} width
 * @property {number} height
 * @property {Uint8ClampedArray<ArrayBuffer>} rgba
 * @property {Uint8Array<ArrayBuffer>} png the file to keep, with the request inside
 * @property {"passed" | "flagged" | "off" | "missing"} safety whether the model's safety checker
 * saw it, and what it said
 *
 * How prompts are read: the fields of a request that say so.
 * @typedef {Partial<Pick<Request, "long_prompt" | "prompt_weights" | "clean">>} Reading
 *
 * How a prompt fits: its tokens, the most that so many chunks have room for, the end that the model
 * does not see.
 * @typedef {{ used: number, room: number, chunks: number, cut: string | null }} TokenCount
 *
 * How like two pictures are: PSNR in dB, null when they are equal; SSIM, null when they are smaller
 * than its window; the largest difference of a byte.
 * @typedef {{ psnr: number | null, ssim: number | null, most: number }} Likeness
 *
 * A request to the network: its address, when (milliseconds since 1970), the bytes that came (0
 * from a cache, or when another site does not tell), who made it, and whether it failed.
 * @typedef {object} NetworkRequest
 * @property {string} url
 * @property {number} time
 * @property {number} bytes
 * @property {string} by
 * @property {boolean} [failed]
 *
 * What went wrong: `kind` is a stable name, `message` a sentence, `field` the field of a request.
 * @typedef {import("../rpc/messages.js").Fault} Fault
 *
 * The calls of the worker, with what they are given and what they answer; `open`, `generate`,
 * `verify` and `profile` tell their progress. `tokens` and `held` are answered whatever else runs,
 * the others one after another. Without an answer the worker hears `pause` and `resume`.
 * @typedef {object} Calls
 * @property {(model: string, options: Options) => Description} open
 * @property {(request: Request, beside: Beside) => Picture} generate
 * @property {() => Check[]} verify
 * @property {() => Forecast} forecast
 * @property {(size: Size, runs: number) => Profile} profile
 * @property {() => Held} held
 * @property {(prompt: string, reading: Reading) => TokenCount} tokens
 * @property {() => number | undefined} memory
 * @property {(first: Uint8Array, second: Uint8Array) => Likeness | undefined} likeness
 * @property {(model: string, prompt: string, png: Uint8Array) => number} score
 */

/** Kinds of faults after which the model must be opened again. */
export const FATAL = new Set([
  "no_gpu",
  "no_adapter",
  "device_lost",
  "out_of_memory",
  "gpu",
  "crashed",
  "closed",
]);
