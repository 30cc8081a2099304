// Types of the calls between the page and the engine's worker: arguments, results, progress. rpc/
// sends them.

/**
 * How to open a model.
 * @typedef {object} Options
 * @property {string} [precision] of activations: f32 or f16
 * @property {string} [weights] type of the weights: f32, f16, q8_0, q5_0 or q4_0; without it, the
 * type in the files
 * @property {string} [device] auto, webgpu or cpu
 * @property {string} [memory] less: takes less graphics memory, for up to 1.4 times the decoder's
 * work more; auto (the default): as much as such devices are expected to have
 * @property {string} [safety] the safety checker: on or off
 * @property {string} [tokenizer] address of the folder with a single file's tokenizer; without it,
 * `tokenizer/` beside the file
 * @property {string} [unet] address of a file whose UNet is used instead of the model's own
 * @property {string} [vae] the same for the VAE
 * @property {string} [text_encoder] the same for the text encoder
 * @property {string} [taesd] address of a TAESD, which decodes previews
 * @property {string} [decoder] who decodes images where there is a TAESD: vae, taesd, or auto (the
 * default): the TAESD where memory is too short for the VAE
 * @property {string} [rest] "fetch": missing parts of a stored model may be fetched now
 * @property {string} [kernels] tuned: the fastest ones of this adapter, measured once; fixed (the
 * default): images are the same byte for byte each time
 * @property {string} [prediction] epsilon or v_prediction, if the model's files do not say what the
 * UNet predicts
 *
 * What to make: the fields of a request, which fields.js describes. Numbers may be text as the user
 * typed it: the engine reports what is wrong with it.
 * @typedef {import("./fields.js").Fields & { prompt: string, seed: string, count?: number,
 *   clip_skip?: number, loras?: string, upscaler?: string }} Request
 *
 * Width and height of a request.
 * @typedef {Pick<Request, "width" | "height">} Size
 *
 * The pixels of an image, row by row, four bytes each.
 * @typedef {{ width: number, height: number, rgba: Uint8ClampedArray<ArrayBuffer> }} Pixels
 *
 * A LoRA: the address of its file (an absolute URL, or `stored:ID`), its weight in the UNet, and
 * in the text encoder, where that is another one. One of weight 0 is used only where the prompt has
 * its tag, `<lora:name:0.8>`, and the request's `prompt_syntax` is `a1111`.
 * @typedef {{ address: string, weight: number, text_encoder_weight?: number }} Lora
 *
 * A ControlNet or T2I-Adapter: the address of its file, as of a LoRA, or of its folder; the picture
 * by which it guides, of any size; the factor of what it adds; the part of the steps, 0 to 1, at
 * which it begins and ends; guess mode; and what is made of the picture first.
 * @typedef {{ address: string, image: Pixels, weight?: number, start?: number, end?: number,
 *   guess?: boolean, preprocess?: string }} Control
 *
 * What a run is given besides the request.
 * @typedef {object} GenerateExtras
 * @property {Pixels | undefined} [initial] the start image, of any size
 * @property {Pixels | undefined} [mask] of the start image: white is made anew, black stays; of any
 * size
 * @property {Lora[] | undefined} [loras] which LoRAs change the model; none without it. Another
 * choice reads only the weights that differ
 * @property {string[] | undefined} [embeddings] addresses of textual inversions, which the prompts
 * may call by their words
 * @property {Control[] | undefined} [controls] ControlNets and T2I-Adapters
 * @property {string | undefined} [upscaler] the address of the upscaler that a request with
 * `hires_upscaler` "file" uses
 * @property {boolean} [latents] whether to report latents after each step, as a preview: the
 * model's estimate of the image without noise
 * @property {number} [pictures] steps between two decoded previews, each of which costs a run of
 * the decoder; 0 is never
 *
 * An extended picture, and the mask of what is new in it.
 * @typedef {{ initial: Pixels, mask: Pixels }} Extended
 *
 * What an open model is and can do.
 * @typedef {object} Description
 * @property {number} factor width and height of an image are multiples of it
 * @property {number} width default width of an image
 * @property {number} height default height of an image
 * @property {string[]} samplers
 * @property {Record<string, Abilities>} [abilities] of each of them, by name
 * @property {Record<string, unknown>} [request] the fields of a request with what this model
 * allows, as a JSON Schema
 * @property {number} text_layers the most for a request's clip_skip
 * @property {number} parameters numbers in its weights
 * @property {"generate" | "inpaint" | "edit"} [purpose] what it is for: inpaint needs a start image
 * and a mask, edit a start image and no strength
 * @property {boolean} [embeds_guidance] whether the guidance scale is an input of its UNet, which
 * evaluates no negative prompt then
 * @property {{ sampler: string, steps: number, guidance_scale: number } | null} [made_for] what to
 * ask it for, if it was distilled for few steps
 * @property {"webgpu" | "cpu"} device which one computes
 * @property {string} adapter the browser's name of the graphics adapter, or else its kind
 * @property {"hardware" | "software" | "none" | "unknown"} adapter_kind what the engine takes the
 * adapter for; unknown: it opened none
 * @property {Provenance | null} model where the model is from, if its manifest says so
 * @property {[key: string, text: string, id: string]} [tuning] the choice of kernels: the key that
 * it is stored under, the choice as text, and eight digits that identify it; missing on the CPU
 *
 * Which settings a sampler has: the fields of a request of these names.
 * @typedef {Record<string, boolean>} Abilities
 *
 * A model's name, the repository and revision that it was published in, and the SHA-256 of its
 * UNet's weights (of a model in a single file: of that file).
 * @typedef {{ title: string, repository: string | null, revision: string | null,
 * sha256: string | null }} Provenance
 *
 * Memory that the engine's worker uses now.
 * @typedef {{ gpu_bytes: number, gpu_buffers: number, wasm_bytes: number }} Held
 *
 * Times of one evaluation of the open model's UNet, with the prompts of guidance.
 * @typedef {object} Profile
 * @property {[width: number, height: number]} size of the image, in pixels
 * @property {number} seconds of the evaluation as in a run, without a wait after each dispatch
 * @property {KernelTime[]} kernels the slowest first
 * @property {boolean} by_device_clock true: the adapter's own clock measured the kernels; false:
 * their times include a wait after each dispatch
 * @property {string} tuning the choice of kernels as text
 * @property {{ gflops: number, gbps: number }} peaks measured on the adapter: 10⁹ floating-point
 * operations a second, and 10⁹ bytes a second of a copy
 *
 * What was measured on an adapter. `darkroom bench --json` writes the same object, of which
 * speed_report.rs has all fields.
 * @typedef {object} SpeedReport
 * @property {number} schema its version
 * @property {string} version of Darkroom
 * @property {string} adapter its name, as the engine knows it
 * @property {string} precision of activations
 * @property {string | null} weights their type; null: as in the files
 * @property {Profile[]} evaluations of the UNet
 *
 * The sums over all dispatches of a kernel: seconds, 10⁹ floating-point operations, 10⁶ bytes; and
 * the shares of the two peaks that it reaches, 0 to 1.
 * @typedef {{ kernel: string, dispatches: number, seconds: number, gflop: number, mb: number,
 * of_peak: number, of_copy: number }} KernelTime
 *
 * What an image of Stable Diffusion v1.4, 512 × 512, would cost on this machine's adapter.
 * `small`: the same image by BK-SDM-Tiny with q8_0 weights, decoded by a TAESD; missing in those
 * that an earlier version of the page has stored.
 * @typedef {object} Forecast
 * @property {{ peak_bytes: number, seconds: number }} [small]
 * @property {number} steps
 * @property {number} weight_bytes in f16
 * @property {number} peak_bytes all buffers at the worst moment, with f32 activations
 * @property {number | null} peak_bytes_f16 with f16 activations, where the adapter has shader-f16
 * @property {number} flops
 * @property {number} seconds estimated from the times of kernels
 *
 * @typedef {{ event: "loading", part: string, bytes_done: number, bytes_total: number }
 *   | { event: "tuning", done: number, total: number }
 *   | { event: "compiling", done: number, total: number }
 *   | { event: "enlarging", done: number, total: number }
 *   | { event: "notice", text: string }
 *   | { event: "memory_refused", bytes: number }
 *   | { event: "step", step: number, steps: number }
 *   | { event: "latents", shape: number[], values: Float32Array }
 *   | { event: "preview", width: number, height: number, rgba: Uint8ClampedArray<ArrayBuffer> }
 *   | { event: "paused" }
 *   | { event: "resumed" }
 *   | { event: "decoding" }
 *   | { event: "picture", index: number, picture: Picture }
 *   | ({ event: "check" } & Check)} Progress
 *
 * A comparison of a verification: the last nine numbers of an image, expected and computed, and the
 * largest difference of all numbers. The verdict "precision": within the bound of this precision,
 * but not within the tolerance of f32.
 * @typedef {object} Check
 * @property {string} name
 * @property {number[]} expected
 * @property {number[]} got
 * @property {number} difference
 * @property {number} tolerance of f32
 * @property {number} bound of this precision
 * @property {"pass" | "precision" | "fail"} verdict
 *
 * A finished image. If a request has a count, `generate` resolves to the last image; those before
 * it come as progress when they are finished, so a cancel loses none of them.
 * @typedef {object} Picture
 * @property {number} width
 * @property {number} height
 * @property {Uint8ClampedArray<ArrayBuffer>} rgba
 * @property {Uint8Array<ArrayBuffer>} png the image as a file, with the request inside
 * @property {"passed" | "flagged" | "off" | "missing"} safety the result of the model's safety
 * checker, or why there is none
 * @property {Part[]} [parts] those of other files than the model's; missing where there is none
 *
 * A part of another file: `part` is vae, unet or text_encoder.
 * @typedef {{ part: string, name: string, sha256: string }} Part
 *
 * How to enlarge a picture. `png`: the picture's own file, whose texts (its request) the result has
 * too.
 * @typedef {{ device?: string, precision?: string, png?: Uint8Array }} UpscaleOptions
 *
 * An enlarged picture, and its file.
 * @typedef {Pixels & { png: Uint8Array<ArrayBuffer> }} Enlarged
 *
 * The fields of a request that decide how prompts are read.
 * @typedef {Partial<Pick<Request, "long_prompt" | "prompt_syntax" | "clean">>} Reading
 *
 * The length of a prompt: tokens used, tokens that fit into its chunks, and the end of the prompt
 * that the model does not see, because it is too long.
 * @typedef {{ used: number, room: number, chunks: number, cut: string | null }} TokenCount
 *
 * How similar two images are: PSNR in dB, null if they are equal; SSIM, null if they are smaller
 * than its window; the largest difference of a byte.
 * @typedef {{ psnr: number | null, ssim: number | null, most: number }} Likeness
 *
 * A request to the network.
 * @typedef {object} NetworkRequest
 * @property {string} url
 * @property {number} time milliseconds since 1970
 * @property {number} bytes received; 0 from a cache, or if another site does not show the size
 * @property {string} by which script made it: the page, or a worker by name
 * @property {boolean} [failed]
 *
 * What went wrong.
 * @typedef {import("../rpc/messages.js").Fault} Fault
 *
 * The calls of the worker, with arguments and results. `open`, `generate`, `upscale`, `verify` and
 * `profile` report progress. `tokens`, `held` and `outpaint` are answered at once, also while
 * another call runs; the others one after another. The notifications `pause`, `resume` and
 * `endEarly` have no answer. `memory` is the peak of graphics memory in bytes, undefined on the
 * CPU; `score` is how well an image fits a prompt, by a CLIP model; `likeness` compares two PNG
 * files.
 * @typedef {object} Calls
 * @property {(model: string, options: Options & { mobile?: boolean }) => Description} open
 * @property {(request: Request, extras: GenerateExtras) => Picture} generate
 * @property {(address: string, image: Pixels, options: UpscaleOptions) => Enlarged} upscale
 * @property {() => Check[]} verify
 * @property {() => Forecast} forecast
 * @property {(size: Size, runs: number) => SpeedReport} profile
 * @property {() => Held} held
 * @property {(prompt: string, reading: Reading) => TokenCount} tokens
 * @property {(pixels: Pixels, sides: [left: number, top: number, right: number, bottom: number],
 * seed: number) => Extended} outpaint
 * @property {() => number | undefined} memory
 * @property {(first: Uint8Array, second: Uint8Array) => Likeness | undefined} likeness
 * @property {(model: string, prompt: string, png: Uint8Array) => number} score
 */

/** Options that are addresses of files: the parts that a file can stand in for, by their names. */
export const PARTS = /** @type {const} */ (["unet", "vae", "text_encoder", "taesd"]);

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
