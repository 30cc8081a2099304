// The native program, as another opinion: it writes the small models that the tests open, and its
// pictures are what the browser's must be.

import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";
import { decodePng } from "./png.mjs";

const ROOT = join(import.meta.dirname, "../../..");
const TARGET = process.env["CARGO_TARGET_DIR"] ?? join(ROOT, "target");
export const PROGRAM = join(TARGET, "debug/darkroom");

/** The request that pictures are compared by. */
export const REQUEST = {
  prompt: "a red cat on a yellow background",
  seed: "5",
  steps: 4,
  guidance_scale: 7.5,
  sampler: "ddim",
};

const folder = await mkdtemp(join(tmpdir(), "darkroom-test-"));
after(() => rm(folder, { recursive: true }));

/**
 * Runs the program.
 * @param {string[]} words
 */
async function darkroom(...words) {
  await promisify(execFile)(PROGRAM, words);
}

/** A folder to serve, with a tiny model in models/tiny and damaged ones beside it. */
export async function testModels() {
  const models = join(folder, "models");
  const copy = (/** @type {string} */ name) =>
    cp(join(models, "tiny"), join(models, name), { recursive: true });
  await darkroom("synth", "--config", "tiny", "--seed", "1", "--out", join(models, "tiny"));

  const checked = join(models, "checked");
  await darkroom("synth", "--config", "tiny", "--seed", "1", "--safety", "--out", checked);
  await cp(checked, join(models, "strict"), { recursive: true });
  await makeStrict(join(models, "strict/safety_checker/model.safetensors"));

  await copy("cut");
  await truncate(join(models, "cut/unet/diffusion_pytorch_model.safetensors"), 700_000);

  await copy("noise");
  await writeFile(
    join(models, "noise/vae/diffusion_pytorch_model.safetensors"),
    Buffer.alloc(4096, 0xa5),
  );

  await copy("unknown");
  const config = join(models, "unknown/unet/config.json");
  await writeFile(
    config,
    (await readFile(config, "utf8")).replace('"CrossAttnDownBlock2D"', '"MagicDownBlock2D"'),
  );

  await copy("incomplete");
  await rm(join(models, "incomplete/vae/diffusion_pytorch_model.safetensors"));

  await copy("large");
  await enlarge(join(models, "large/unet/diffusion_pytorch_model.safetensors"), 900_000_000);
  return folder;
}

/**
 * Gives a checkpoint one more tensor, of zeros that take no place on the disk.
 * @param {string} path
 * @param {number} numbers
 */
async function enlarge(path, numbers) {
  const file = await readFile(path);
  const length = Number(file.readBigUInt64LE());
  const header = JSON.parse(file.toString("utf8", 8, 8 + length));
  const end = file.length - 8 - length;
  header["padding"] = { dtype: "F32", shape: [numbers], data_offsets: [end, end + 4 * numbers] };
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  await writeFile(path, Buffer.concat([size, text, file.subarray(8 + length)]));
  await truncate(path, 8 + text.length + end + 4 * numbers);
}

/**
 * Gives a safety checker thresholds that every picture passes.
 * @param {string} path of its weights
 */
async function makeStrict(path) {
  const file = await readFile(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + length));
  const [from, to] = header["concept_embeds_weights"].data_offsets;
  // The half of −2; no cosine is less.
  for (let at = 8 + length + from; at < 8 + length + to; at += 2) file.writeUInt16LE(0xc000, at);
  await writeFile(path, file);
}

/**
 * Writes a model as a single file.
 * @param {string} model folder
 * @param {string} file
 */
export async function toSingleFile(model, file) {
  await darkroom("convert", "--model", model, "--to", file);
}

/**
 * The native program's picture of the request above.
 * @param {string} model folder
 */
export async function nativePicture(model) {
  const { prompt, seed, steps, guidance_scale: guidance, sampler } = REQUEST;
  const out = join(folder, "native.png");
  await darkroom(
    ...["generate", "--model", model, "--prompt", prompt, "--seed", seed, "--steps", String(steps)],
    ...["--guidance", String(guidance), "--sampler", sampler, "--out", out],
  );
  return decodePng(await readFile(out));
}

/**
 * The largest difference of two pictures in any channel, of 255.
 * @param {{ width: number, height: number, bytes: Uint8Array | Uint8ClampedArray }} a
 * @param {{ width: number, height: number, bytes: Uint8Array | Uint8ClampedArray }} b
 */
export function difference(a, b) {
  if (a.width !== b.width || a.height !== b.height) return Infinity;
  let most = 0;
  for (const [i, value] of a.bytes.entries())
    most = Math.max(most, Math.abs(value - (b.bytes[i] ?? NaN)));
  return most;
}
