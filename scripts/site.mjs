// Copies what is served from web/ to dist/, scripts and style sheets without their comments, tells
// the service worker what there is, lists the hashes of all files, and prints sizes and the hash of
// the tree; fails when the page or the wasm is beyond its bound.
//   node scripts/site.mjs [--weights-host URL]… [--embed-host URL]… [--out DIR] [--models DIR]
// Weights may come from the hosts of the models' manifests and from those given here, mirrors;
// nothing else may be asked for anything: this is written into the page's security policy. Pages of
// the embed hosts, and no others, may ask embed.html for images.

import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { styleWithoutComments, withoutComments } from "./comments.mjs";
import { notices } from "./licences.mjs";
import { dropZeroRows } from "./served.mjs";
import { markQuick } from "./shipped.mjs";
import { SUMS, hashOf, pathsIn, sumsOf, writeSums } from "./sums.mjs";

const root = join(import.meta.dirname, "..");

/** Bytes of the compressed wasm and its glue that a first visit may cost. */
const GZIP_MAX = 2_000_000;
/** Files that change the built-in model stand with the script that trained them. */
const ADDONS = join(root, "scripts/train_demo/addons");
/** Compressed bytes of what the page fetches before the wasm. */
const SHELL_MAX = 150_000;

const { values } = parseArgs({
  options: {
    "weights-host": { type: "string", multiple: true, default: [] },
    "embed-host": { type: "string", multiple: true, default: [] },
    out: { type: "string", default: join(root, "dist") },
    models: { type: "string", default: join(root, "web/models") },
    // For development: the wasm is not optimised, and has no bound.
    quick: { type: "boolean", default: false },
  },
});
const dist = values.out;
const models = values.models;

await rm(dist, { recursive: true, force: true });
await cp(join(root, "web"), dist, {
  recursive: true,
  filter: (path) => !path.endsWith(".d.ts") && !basename(path).startsWith("."),
});
await dropComments();

/** Scripts and style sheets are served without their comments, but for the examples. */
async function dropComments() {
  const entries = await readdir(dist, { recursive: true });
  for (const path of entries.map((entry) => entry.replaceAll("\\", "/"))) {
    const strip = { js: withoutComments, css: styleWithoutComments }[path.split(".").pop() ?? ""];
    if (!strip || path.startsWith("examples/")) continue;
    const file = join(dist, path);
    await writeFile(file, strip(await readFile(file, "utf8")));
  }
}

/**
 * Paths of all files under a folder of the site, with a hash of what is in them.
 * @param {string} folder
 * @param {(path: string) => boolean} wanted
 */
async function hashes(folder, wanted) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const path of (await pathsIn(dist, folder)).filter(wanted))
    found[path] = hashOf(await readFile(join(dist, path))).slice(0, 16);
  return found;
}

/** A model's manifest; null for a folder without one. */
async function manifestOf(/** @type {string} */ model) {
  const file = join(models, model, "manifest.json");
  const json = await readFile(file, "utf8").catch(() => null);
  return json === null
    ? null
    : /** @type {{ hosts: string[], base: string, kind?: string, files: { path: string }[] }} */ (
        JSON.parse(json)
      );
}

/**
 * The origin of a host that was given, which must be https or this machine; `https://*.name` stands
 * for every one below a name, in the policy as in the manifests.
 */
function originOf(/** @type {string} */ option, /** @type {string} */ address) {
  const plain = address.replace("://*.", "://");
  const url = URL.canParse(plain) ? new URL(plain) : null;
  const here = /(^|\.)localhost$/.test(url?.hostname ?? "");
  if (!url || !(url.protocol === "https:" || (url.protocol === "http:" && here)))
    throw new Error(`${option} wants an https address, not "${address}".`);
  if (plain === address) return url.origin;
  if (url.hostname.split(".").length < 2) throw new Error(`${address} would allow everyone.`);
  return url.origin.replace("://", "://*.");
}

/** @typedef {{ path: string, bytes?: number, sha256?: string, beside?: boolean }} Listed */

/**
 * A file beside a model's manifest, which is served; its bytes.
 * @param {string} model
 * @param {string} path
 */
async function bytesBeside(model, path) {
  const own = await readFile(join(models, model, path)).catch(() => null);
  if (own) return own;
  const bytes = await readFile(join(ADDONS, path));
  const place = join(dist, "models", model, path);
  await mkdir(dirname(place), { recursive: true });
  await writeFile(place, bytes);
  return bytes;
}

/**
 * What is offered must be known: fails for a manifest with a file whose size or hash it does not
 * tell, or that lies beside it and is another.
 * @param {string} model
 * @param {{ kind?: string, base: string, files: Listed[] }} manifest
 */
async function checkKnown(model, { kind, base, files }) {
  for (const { path, bytes, sha256, beside } of files) {
    const where = `${path} in the manifest of ${model}`;
    if (!bytes || !/^[0-9a-f]{64}$/.test(sha256 ?? ""))
      throw new Error(
        `${where} has no size or no SHA-256: bytes that nothing tells are not offered.`,
      );
    if (!beside && (!kind || base)) continue;
    const own = await bytesBeside(model, path);
    const found = hashOf(own);
    if (own.length !== bytes || found !== sha256)
      throw new Error(`${where} should have ${own.length} bytes and the SHA-256 ${found}.`);
  }
}

/** Writes the hosts into the policy of the page. */
async function allow(/** @type {string[]} */ hosts) {
  const file = join(dist, "index.html");
  const page = await readFile(file, "utf8");
  const own = "connect-src 'self';";
  if (!page.includes(own)) throw new Error("index.html has no policy that can be extended.");
  await writeFile(file, page.replace(own, `connect-src ${["'self'", ...hosts].join(" ")};`));
}

/**
 * Fills lines of a file of the site, each of which must be there.
 * @param {string} path
 * @param {[string, string][]} lines
 */
async function fill(path, lines) {
  const file = join(dist, path);
  let text = await readFile(file, "utf8");
  for (const [empty, filled] of lines) {
    if (!text.includes(empty)) throw new Error(`${path} has no line "${empty}".`);
    text = text.replace(empty, filled);
  }
  await writeFile(file, text);
}

/** @type {string[]} */
const named = [];
/** @type {string[]} */
const offered = [];
for (const model of (await readdir(models)).sort()) {
  const manifest = await manifestOf(model);
  if (manifest) await checkKnown(model, manifest);
  named.push(...(manifest?.hosts ?? []));
  if (manifest && model !== "demo") offered.push(model);
}
await fill("store/offered.js", [
  ["const OFFERED = [];", `const OFFERED = ${JSON.stringify(offered)};`],
]);
const weightsHosts = [...named, ...values["weights-host"]];
const hosts = [...new Set(weightsHosts.map((host) => originOf("--weights-host", host)))];
await allow(hosts);
const embedders = values["embed-host"].map((host) => originOf("--embed-host", host));
const allowed = (/** @type {string[]} */ origins) =>
  `<meta name="embed-hosts" content="${[...new Set(origins)].join(" ")}"`;
await fill("embed.html", [[allowed([]), allowed(embedders)]]);

/**
 * Writes size and hash of a file, as it is served, into its model's manifest.
 * @param {string} model
 * @param {string} path
 */
async function restate(model, path) {
  const name = join(dist, "models", model, "manifest.json");
  const manifest = JSON.parse(await readFile(name, "utf8"));
  const bytes = await readFile(join(dist, "models", model, path));
  const file = manifest.files.find((/** @type {{ path: string }} */ one) => one.path === path);
  if (!file) throw new Error(`The manifest of ${model} does not list ${path}.`);
  file.bytes = bytes.length;
  file.sha256 = hashOf(bytes);
  const size = manifest.chunk_bytes;
  const starts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => i * size);
  const chunks = starts.map((start) => hashOf(bytes.subarray(start, start + size)));
  if (chunks.length > 1) file.chunks = chunks;
  else delete file.chunks;
  await writeFile(name, `${JSON.stringify(manifest, null, 2)}\n`);
}

await writeFile(join(dist, "licences.txt"), await notices());

const tables = "text_encoder/model.safetensors";
await dropZeroRows(join(dist, "models/demo", tables));
await restate("demo", tables);

const apart = /^(models|examples)\/|^(sw|darkroom-image)\.js$|^licences\.txt$/;
/** What the library offers is listed offline as well. */
const offers = await hashes("models", (path) => {
  const [, folder = "", file = ""] = /^models\/([^/]+)\/(.*)$/.exec(path) ?? [];
  return offered.includes(folder) && /^(manifest\.json|LICEN[CS]E[^/]*)$/i.test(file);
});
const shell = { ...(await hashes(".", (path) => !apart.test(path))), ...offers };
const model = await hashes("models/demo", (path) => /\.(json|txt|safetensors)$/.test(path));
await fill("sw.js", [["const HOSTS = [];", `const HOSTS = ${JSON.stringify(hosts)};`]]);
// The list of hashes is kept offline too. It has the hash of sw.js, so sw.js has another name for
// it: a hash of all that is in it, of sw.js as it is before its own list is filled in.
shell[SUMS] = hashOf(await sumsOf(dist)).slice(0, 16);
await fill("sw.js", [
  ["const FILES = { shell: {}, model: {} };", `const FILES = ${JSON.stringify({ shell, model })};`],
]);
const tree = await writeSums(dist);

/**
 * Prints a size; false when it is beyond the bound.
 * @param {string} what
 * @param {number} bytes
 * @param {number} bound
 */
function within(what, bytes, bound) {
  console.log(`   ${what}: ${bytes} bytes (at most ${bound})`);
  return bytes <= bound;
}

// Icons of an installed app, the engine's own glue, what reads files, the painter of masks, the
// gallery's export and viewer, the form's part for ControlNets, what enlarges, what compares
// checkpoints, what makes many images at once, weights by keys, the prompts of before, presets, the
// order of the queue, what deletes all data and the page for frames come later, if at all.
const readers = [
  ...["comfy", "comfy_graph", "comfy_nodes", "comfy_passes", "comfy_workflow", "compel"],
  ...["controls", "draw_things", "easy", "exif", "fooocus", "hashes", "hires", "invoke", "json"],
  ...["labels", "left_over", "line_objects", "novelai", "own_text", "parameters", "readers"],
  ...["request", "row"],
  ...["sampler_map", "samplers", "swarm", "syntax", "table", "text", "unzip", "webui"],
];
const painter = [
  "brush",
  "history",
  "keys",
  "mask",
  "painter",
  "pointers",
  "sheet",
  "unsaved",
  "zoom",
];
const later = new Set([
  ...readers.map((name) => `files/${name}.js`),
  ...painter.map((name) => `edit/${name}.js`),
  ...["strings/losses.js", "store/matched.js"],
  ...["files/zip.js", "views/export.js", "store/networks.js"],
  ...["control/panel.js", "control/picture.js", "control/unit.js", "strings/control.js"],
  ...["compare.js", "views/comparing.js", "strings/compare.js", "views/compare.js"],
  ...["enlarge/dialog.js", "enlarge/view.js", "strings/enlarge.js"],
  ...["strings/batch.js", "strings/yaml.js", "style/batch.css", "page/forget.js"],
  ...["viewer", "stage", "gestures", "template"].map((name) => `viewer/${name}.js`),
  ...["strings/viewer.js", "views/comparison.js"],
  ...["views/batch.js", "strings/batch_row.js", "style/batch_row.css", "late_style.js"],
  ...["history", "history_dialog", "typing", "weight_keys", "weights"].map(
    (name) => `prompt/${name}.js`,
  ),
  ...["presets/choice.js", "presets/dialog.js", "presets/presets.js", "strings/presets.js"],
  ...["speed.js", "views/speed.js", "views/speeding.js", "strings/speed.js"],
  ...["after_image", "order", "runner"].map((name) => `queue/${name}.js`),
  ...["strings/queue.js", "strings/prompt.js"],
  // The page for frames of other sites.
  ...["embed.html", "strings/embed.js", "maker.js"],
  ...["allowed", "main", "protocol", "read"].map((name) => `embed/${name}.js`),
  // What only those import that are named above, or the element for other pages.
  ...["enlarge/record.js", "files/networks.js", "store/matched.js", "strings/element.js"],
  // The words that the built-in model knows.
  ...["demo/list.js", "demo/words.js", "demo/words.json", "strings/demo_words.js"],
  // The model card, and the switch for a storage that sites share.
  ...["card.js", "store/sharing.js", "strings/sharing.js", "views/sharing.js"],
  // What compares the page with the list of hashes.
  ...[SUMS, "strings/proof.js", "style/proof.css"],
]);
const first = Object.keys(shell).filter(
  (path) => !/^(pkg|models|batch|proof)\/|^icons\/.*\.png$/.test(path) && !later.has(path),
);
let sum = 0;
let gzipped = 0;
for (const path of first) {
  const bytes = await readFile(join(dist, path));
  sum += bytes.length;
  gzipped += gzipSync(bytes, { level: 9 }).length;
}
const wasm = await readFile(join(dist, "pkg/darkroom_bg.wasm"));
const glue = gzipSync(await readFile(join(dist, "pkg/darkroom.js")), { level: 9 }).length;
console.log(`   page: ${first.length} files, ${sum} bytes`);
console.log(`   wasm: ${wasm.length} bytes`);
const good = [
  within("page, gzipped", gzipped, SHELL_MAX),
  within("wasm and its glue, gzipped", gzipSync(wasm, { level: 9 }).length + glue, GZIP_MAX),
];
// After the lists of what is served: it is no part of the site.
if (values.quick) await markQuick(dist);
const [pageFits, wasmFits] = good;
if (!pageFits || !(wasmFits || values.quick)) {
  console.error("ERROR: it has grown beyond its bound.");
  process.exit(1);
}
console.log(`   ${SUMS}: the tree's hash is ${tree}`);
