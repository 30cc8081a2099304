// What is in the wasm and the programs under which licence: read from the lock files through cargo
// and npm, never from a list of ours.
//   node scripts/licences.mjs    fails when a dependency comes from anywhere but its registry, or
//                                is under a licence that is not permissive

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(import.meta.dirname, "..");

/** What the site carries: the crate with what it is linked with for the browser. */
const WASM = "wasm32-unknown-unknown";

/** Workspaces with a lock file, by their manifests. Peers of benchmarks are built on their own. */
const WORKSPACES = ["Cargo.toml", "scripts/bindgen/Cargo.toml", "scripts/fuzz/Cargo.toml"];

/** Lock files of npm: this repository's, and of the projects that use the module in tests. */
const LOCKS = [
  "package-lock.json",
  ...["next", "vite7", "webpack"].map((name) => `tests/web/bundlers/${name}/package-lock.json`),
];

const CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index";

/** SPDX names that ask for no more than that notices are kept. */
const PERMISSIVE = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BSL-1.0",
  "CC0-1.0",
  // Of data: the list of certificate authorities that TLS trusts.
  "CDLA-Permissive-2.0",
  "ISC",
  "MIT",
  "MIT-0",
  "NCSA",
  "Unicode-3.0",
  "Unlicense",
  "Zlib",
]);

/**
 * A package as `cargo metadata` tells it.
 * @typedef {object} Crate
 * @property {string} id
 * @property {string} name
 * @property {string} version
 * @property {string | null} source
 * @property {string | null} license an SPDX expression
 * @property {string | null} license_file
 * @property {string | null} repository
 * @property {string[]} authors
 * @property {string} manifest_path
 */

/** @typedef {{ pkg: string, dep_kinds: { kind: string | null }[] }} Edge */
/** @typedef {{ id: string, deps: Edge[] }} Node */
/** @typedef {{ packages: Crate[], resolve: { root: string, nodes: Node[] } }} Metadata */

/**
 * @param {string} manifest
 * @param {string[]} more words
 * @returns {Metadata}
 */
function metadata(manifest, more = []) {
  const words = ["metadata", "--locked", "--format-version", "1"];
  words.push("--manifest-path", join(root, manifest), ...more);
  const how = /** @type {const} */ ({ encoding: "utf8", maxBuffer: 1 << 28 });
  return JSON.parse(execFileSync("cargo", words, how));
}

/**
 * The crates that the shipped wasm is linked with: what the crate depends on, but for what only
 * builds or tests it.
 */
export function linkedCrates() {
  const { packages, resolve } = metadata("Cargo.toml", ["--filter-platform", WASM]);
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const seen = new Set([resolve.root]);
  // A set goes on while it grows.
  for (const id of seen) {
    for (const { pkg, dep_kinds } of nodes.get(id)?.deps ?? [])
      if (dep_kinds.some(({ kind }) => kind === null)) seen.add(pkg);
  }
  const linked = packages.filter(({ id, source }) => source !== null && seen.has(id));
  const name = (/** @type {Crate} */ one) => `${one.name} ${one.version}`;
  return linked.sort((a, b) => (name(a) < name(b) ? -1 : 1));
}

/**
 * Whether an SPDX expression can be met by permissive licences alone.
 * @param {string} expression
 */
export function isPermissive(expression) {
  // "A/B" is how old crates write "A OR B"; an exception only allows more.
  const words = expression.replaceAll("/", " OR ").replace(/ WITH [\w.-]+/g, "");
  const tokens = words.match(/[()]|[\w.+-]+/g) ?? [];
  let at = 0;
  /** @type {() => boolean} */
  const one = () => {
    const token = tokens[at++] ?? "";
    if (token !== "(") return PERMISSIVE.has(token);
    const inner = any();
    at++;
    return inner;
  };
  const all = () => {
    let good = one();
    while (tokens[at] === "AND") {
      at++;
      good = one() && good;
    }
    return good;
  };
  /** @type {() => boolean} */
  const any = () => {
    let good = all();
    while (tokens[at] === "OR") {
      at++;
      good = all() || good;
    }
    return good;
  };
  return any() && at === tokens.length;
}

/**
 * The texts that a crate's authors ask to be kept.
 * @param {Crate} crate
 */
async function textsOf(crate) {
  const folder = dirname(crate.manifest_path);
  const names = (await readdir(folder)).filter((name) =>
    /^(licen[cs]e|copying|notice|unlicense|copyright)/i.test(name),
  );
  if (crate.license_file) names.push(crate.license_file);
  const paths = [...new Set(names)].sort().map((name) => join(folder, name));
  const texts = [];
  for (const path of paths) {
    const text = await readFile(path, "utf8").catch(() => "");
    if (text.trim()) texts.push(text.replaceAll("\r\n", "\n").trim());
  }
  return texts;
}

/** The notices of everything inside the wasm, as one text; equal texts stand there once. */
export async function notices() {
  /** @type {Map<string, string[]>} */
  const byText = new Map();
  const rows = [];
  for (const crate of linkedCrates()) {
    const name = `${crate.name} ${crate.version}`;
    rows.push(`  ${name}: ${crate.license ?? "see below"} (${crate.repository ?? "crates.io"})`);
    const texts = await textsOf(crate);
    // Some packages leave the text out and name the licence; then its authors are the notice.
    const authors = crate.authors.join(", ") || `the authors of ${crate.name}`;
    if (texts.length === 0) texts.push(`Copyright (c) ${authors}\nLicence: ${crate.license}`);
    for (const text of texts) byText.set(text, [...(byText.get(text) ?? []), name]);
  }
  const own = [];
  for (const file of ["LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY.md"])
    own.push(`== ${file} ==\n\n${(await readFile(join(root, file), "utf8")).trim()}`);
  const texts = [...byText].map(([text, names]) => `== ${names.join(", ")} ==\n\n${text}`);
  const head = "Darkroom is under MIT or Apache-2.0, as you choose.";
  const list = `${head} Its WebAssembly is linked with:\n\n${rows.join("\n")}`;
  return `${[list, ...own, ...texts].join("\n\n\n")}\n`;
}

/** What is wrong with the crates of a workspace. @param {string} manifest */
function faultsOfCrates(manifest) {
  return metadata(manifest).packages.flatMap(({ name, version, source, license }) => {
    // A package of this repository.
    if (source === null) return [];
    const faults = [];
    if (source !== CRATES_IO) faults.push(`${name} ${version} comes from ${source}`);
    if (!isPermissive(license ?? "")) faults.push(`${name} ${version} is under "${license}"`);
    return faults;
  });
}

/** What is wrong with npm's packages, which build and test and are not shipped. */
async function faultsOfNpm() {
  return (await Promise.all(LOCKS.map(faultsOfLock))).flat();
}

/** @param {string} file of npm, from this repository's root */
async function faultsOfLock(file) {
  /** @type {{ packages: Record<string, { resolved?: string, integrity?: string }> }} */
  const lock = JSON.parse(await readFile(join(root, file), "utf8"));
  return Object.entries(lock.packages).flatMap(([path, { resolved, integrity }]) => {
    // The first is the project itself. Without an address a package is the registry's, by its hash.
    const elsewhere = resolved && !resolved.startsWith("https://registry.npmjs.org/");
    if (path === "" || (integrity && !elsewhere)) return [];
    return [`${file}: ${path} is not a package of the registry (${resolved ?? "without a hash"})`];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const manifests = WORKSPACES.filter((manifest) => existsSync(join(root, manifest)));
  const faults = [...manifests.flatMap(faultsOfCrates), ...(await faultsOfNpm())];
  for (const fault of faults) console.error(`ERROR: ${fault}.`);
  if (faults.length > 0) process.exit(1);
  console.log("   All dependencies are from their registries, under permissive licences.");
}
