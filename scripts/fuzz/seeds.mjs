// What fuzzing begins with beside what was kept: small valid inputs of every parser, from the
// goldens and the built-in model.
//   node scripts/fuzz/seeds.mjs TARGET FOLDER

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const [target = "", folder = ""] = process.argv.slice(2);
const read = (/** @type {string} */ path) => readFile(join(root, path));
const golden = (/** @type {string[]} */ ...names) =>
  Promise.all(names.map((name) => read(`tests/golden/${name}`)));
const texts = (/** @type {string[]} */ ...all) => all.map((text) => Buffer.from(text));

/** A checkpoint of Stable Diffusion v1.4's names, every tensor of one number. */
async function tinyCheckpoint() {
  /** @type {Record<string, [string, string][]>} */
  const names = JSON.parse(String(await read("tests/golden/formats/names.json")));
  const all = [
    ...(names["unet"] ?? []).map(([name]) => `model.diffusion_model.${name}`),
    ...(names["vae"] ?? []).map(([name]) => `first_stage_model.${name}`),
  ].flatMap((name) => [`${name}.weight`, `${name}.bias`]);
  const tensors = all.map((name, i) => [
    name,
    { dtype: "F16", shape: [1], data_offsets: [2 * i, 2 * i + 2] },
  ]);
  const header = Buffer.from(JSON.stringify(Object.fromEntries(tensors)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(2 * all.length)]);
}

/**
 * A LoRA's file: of each layer the names and shapes of its tensors, all numbers a half.
 * @param {Record<string, Record<string, number[]>>} layers
 */
function lora(layers) {
  let end = 0;
  /** @type {Record<string, object>} */
  const header = {};
  for (const [layer, parts] of Object.entries(layers))
    for (const [part, shape] of Object.entries(parts)) {
      const bytes = 2 * shape.reduce((product, side) => product * side, 1);
      const offsets = [end, (end += bytes)];
      header[`${layer}.${part}`] = { dtype: "F16", shape, data_offsets: offsets };
    }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(end, Buffer.from([0x00, 0x38]))]);
}

/** LoRAs of every kind. */
const LORAS = [
  lora({
    lora_unet_conv_in: {
      "lora_down.weight": [2, 4, 3, 3],
      "lora_up.weight": [8, 2, 1, 1],
      alpha: [],
    },
    "unet.mid_block.attentions.0.proj_in": { "lora_A.weight": [1, 4], "lora_B.weight": [4, 1] },
  }),
  lora({
    lora_unet_a: {
      "lora_down.weight": [2, 4, 1, 1],
      "lora_mid.weight": [2, 2, 3, 3],
      "lora_up.weight": [8, 2, 1, 1],
      dora_scale: [8, 1, 1, 1],
    },
  }),
  lora({
    lora_unet_a: {
      hada_w1_a: [2, 8],
      hada_w1_b: [2, 4],
      hada_t1: [2, 2, 3, 3],
      hada_w2_a: [2, 8],
      hada_w2_b: [2, 4],
      hada_t2: [2, 2, 3, 3],
      alpha: [],
    },
  }),
  lora({
    lora_te_a: { lokr_w1: [2, 2], lokr_w2_a: [4, 1], lokr_w2_b: [1, 2] },
    lora_te_b: { lokr_w1_a: [2, 1], lokr_w1_b: [1, 2], lokr_w2: [2, 2, 3, 3] },
    lora_unet_c: { diff: [4, 4], diff_b: [4] },
  }),
];

/** The weights of a 3×3 convolution. */
const conv = (/** @type {number} */ n, /** @type {number} */ c) => ({ weight: [n, c, 3, 3] });

/** TAESDs in every layout, of few layers. */
const TAESDS = [
  lora({ 1: conv(4, 4), "3.conv.0": conv(4, 4), "3.conv.2": conv(4, 4), 4: conv(3, 4) }),
  lora({
    "decoder.layers.0": { ...conv(4, 4), bias: [4] },
    "decoder.layers.2.conv.0": conv(4, 4),
    "decoder.layers.4": conv(4, 4),
    "decoder.layers.5.conv.0": conv(4, 4),
    "decoder.layers.6": conv(3, 4),
    "encoder.layers.0": conv(4, 3),
    "encoder.layers.1": conv(4, 4),
  }),
  lora({
    "taesd_decoder.1": conv(4, 4),
    "taesd_decoder.3": conv(3, 4),
    "taesd_encoder.0": conv(4, 3),
  }),
  Buffer.from(
    '{"_class_name": "AutoencoderTiny", "act_fn": "silu", "num_decoder_blocks": [3, 3, 3, 1], ' +
      '"decoder_block_out_channels": [8, 8, 8, 8], "scaling_factor": 1.0, "shift_factor": 0.0}',
  ),
];

/** A config of the built-in model behind the byte that chooses its parser. */
const config = async (/** @type {number} */ first, /** @type {string} */ path) =>
  Buffer.concat([Buffer.from([first]), await read(path)]);

/** A block of a tar file. */
function tarHeader() {
  const block = Buffer.alloc(512);
  block.write("unet/config.json");
  block.write("0000644\0", 100);
  block.write("00000001234\0", 124);
  block.write("00000000000\0", 136);
  block.write("        0", 148);
  block.write("ustar\x0000", 257);
  const sum = block.reduce((all, byte) => all + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** numpy's header before some numbers. */
function array() {
  const text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".padEnd(117) + "\n";
  const head = Buffer.from("\x93NUMPY\x01\x00v\x00", "latin1");
  return Buffer.concat([head, Buffer.from(text), Buffer.alloc(24)]);
}

const INFOTEXT =
  "a red cat\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7.5, Seed: 42, " +
  'Size: 512x512, Model: "a, b"';

/** @type {Record<string, () => Promise<Buffer[]>>} */
const SEEDS = {
  archive: () =>
    golden(
      "formats/blocks.gguf",
      "formats/blocks.safetensors",
      "formats/vae.bin",
      "weights.safetensors",
    ),
  single_file: async () => [await tinyCheckpoint(), ...(await golden("weights.safetensors"))],
  configs: () =>
    Promise.all([
      config(0, "web/models/demo/scheduler/scheduler_config.json"),
      config(1, "web/models/demo/unet/config.json"),
      config(2, "web/models/demo/vae/config.json"),
      config(3, "web/models/demo/text_encoder/config.json"),
      config(4, "tests/golden/safety/config.json"),
    ]),
  lora: async () => LORAS,
  taesd: async () => TAESDS,
  embedding: () =>
    golden(
      "embeddings/bad-hands.pt",
      "embeddings/oldparam.pt",
      "embeddings/row.bin",
      "embeddings/kohya-emb.safetensors",
      "embeddings/style.safetensors",
    ),
  request: async () =>
    texts(
      '{"prompt": "a", "seed": "7", "steps": 3, "guidance_interval": [0.1, 0.8]}',
      '{"sampler": "pndm", "width": 64, "height": 96, "karras": true, "eta": 0.5, "count": 2}',
      '{"negative_prompt": "b", "strength": 0.5, "clip_skip": 2, "rng": "philox", "clean": true}',
    ),
  tokenizer: async () => {
    const [vocab, merges] = await golden(
      "formats/tokenizer/vocab.json",
      "formats/tokenizer/merges.txt",
    );
    return [Buffer.from(`${vocab}\0${merges}`)];
  },
  prompt: async () =>
    texts(
      "\x00a cat",
      "\x01a &amp;lt; b \u201cc\u201d",
      "\x02a (cat:1.2) [dog] ((x)) \\(y\\)",
      "\x07(a BREAK b:0.5), <|endoftext|>",
    ),
  picture: () => golden("pillow.png"),
  parameters: async () =>
    texts(INFOTEXT, "x\nNegative prompt:\n(a: 1, b: 2, c: 3", "a\nSteps: 1, Seed: 2"),
  manifest: async () => [
    await read("web/models/demo/manifest.json"),
    await read("web/models/stable-diffusion-v1-4/manifest.json"),
  ],
  npy: async () => [array()],
  tar: async () => [tarHeader(), Buffer.concat([tarHeader(), Buffer.alloc(512)])],
};

const seeds = SEEDS[target];
if (!seeds || !folder)
  throw new Error(`seeds.mjs wants one of ${Object.keys(SEEDS)} and a folder.`);
await mkdir(folder, { recursive: true });
for (const [i, bytes] of (await seeds()).entries())
  await writeFile(join(folder, `seed-${i}`), bytes);
