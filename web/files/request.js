// The request that a PNG file carries, as fields of the form: our own JSON, or what other programs
// write. Each has habits of its own, told at its reader.

/** @typedef {[string, string][]} Fields names and values of a request */

/**
 * What made a picture, as far as its texts say; null when they say nothing.
 * @param {Map<string, string>} texts by keyword
 * @returns {{ program: string, fields: Fields } | null}
 */
export function requestOf(texts) {
  for (const [keyword, program, read] of READERS) {
    const text = texts.get(keyword);
    if (text === undefined) continue;
    try {
      const fields = read(text).filter(([, value]) => value !== "" || keyword === "darkroom");
      if (fields.length) return { program: BORROWED.exec(text)?.[1] ?? program, fields };
    } catch {
      // Not of this form after all: another text may be.
    }
  }
  return null;
}

/** The name of a program that writes another's text, as ComfyUI's savers of pictures do. */
const BORROWED = /\bVersion: (ComfyUI)\b/;

/** @type {[string, string, (text: string) => Fields][]} */
const READERS = [
  ["darkroom", "Darkroom", (text) => fieldsOf(JSON.parse(text))],
  ["parameters", "AUTOMATIC1111", readParameters],
  ["invokeai_metadata", "InvokeAI", readInvoke],
  ["sd-metadata", "InvokeAI", readOldInvoke],
  ["Dream", "InvokeAI", readDream],
  ["prompt", "ComfyUI", readComfy],
];

/**
 * A request's own JSON. A field that is null has its default.
 * @param {Record<string, unknown>} request
 * @returns {Fields}
 */
export function fieldsOf(request) {
  return Object.entries(request).map(([name, value]) => [
    name,
    typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? ""),
  ]);
}

/** Whose noise, by that text's name for it. */
const NOISE = new Map([
  ["NV", "philox"],
  ["CPU", "torch"],
]);

/**
 * The text that AUTOMATIC1111 began: prompt, `Negative prompt:`, and a last line of `Name: value`.
 * @param {string} text
 * @returns {Fields}
 */
export function readParameters(text) {
  const lines = text.trim().split(/\r?\n/);
  const last = lines.at(-1) ?? "";
  const named = /^\s*Steps: /.test(last) || (last.match(/[\w ]+: [^,]+(,|$)/g) ?? []).length >= 3;
  if (named) lines.pop();
  const at = lines.findIndex((line) => line.startsWith("Negative prompt:"));
  const prompt = lines.slice(0, at < 0 ? undefined : at).join("\n");
  const negative = at < 0 ? "" : lines.slice(at).join("\n").slice("Negative prompt:".length);
  const values = new Map();
  if (named) {
    for (const [, name, quoted, bare] of last.matchAll(
      /\s*([\w \-/]+):\s*(?:("(?:\\.|[^\\"])*")|([^,]*))(?:,|$)/g,
    )) {
      values.set(name?.trim(), quoted ? JSON.parse(quoted) : bare?.trim());
    }
  }
  const [width = "", height = ""] = (values.get("Size") ?? "").split("x");
  const schedule = values.get("Schedule type") ?? "";
  return [
    ["prompt", prompt.trim()],
    ["negative_prompt", negative.trim()],
    ["steps", values.get("Steps") ?? ""],
    ["guidance_scale", values.get("CFG scale") ?? values.get("CFG Scale") ?? ""],
    ["seed", values.get("Seed") ?? ""],
    ["width", width],
    ["height", height],
    ...samplerFields(values.get("Sampler") ?? "", schedule),
    ["eta", values.get("Eta") ?? ""],
    ["rng", NOISE.get(values.get("RNG")) ?? ""],
    ["guidance_interval", intervalOf(values.get("Guidance interval") ?? "")],
    ["cache_interval", values.get("Cache interval") ?? ""],
    ["token_merging_ratio", values.get("Token merging ratio") ?? ""],
    // A run in two sizes has such a strength as well, of its second half.
    ["strength", values.has("Hires upscale") ? "" : (values.get("Denoising strength") ?? "")],
  ];
}

/**
 * `0.2-0.75` as a request has it.
 * @param {string} text
 */
function intervalOf(text) {
  const ends = text.split("-").map(Number);
  return ends.length === 2 && ends.every(Number.isFinite) ? JSON.stringify(ends) : "";
}

/**
 * InvokeAI since 3.0: flat JSON.
 * @param {string} text
 * @returns {Fields}
 */
function readInvoke(text) {
  const data = JSON.parse(text);
  return [
    ["prompt", data.positive_prompt ?? ""],
    ["negative_prompt", data.negative_prompt ?? ""],
    ...numbers(data, {
      steps: "steps",
      cfg_scale: "guidance_scale",
      seed: "seed",
      width: "width",
      height: "height",
    }),
    ...samplerFields(data.scheduler ?? "", ""),
  ];
}

/**
 * InvokeAI 2: the same, deeper; the negative prompt is in brackets inside the prompt.
 * @param {string} text
 * @returns {Fields}
 */
function readOldInvoke(text) {
  const { image } = JSON.parse(text);
  const prompt = Array.isArray(image.prompt) ? image.prompt[0].prompt : image.prompt;
  const negative = [...prompt.matchAll(/\[([^\]]*)\]/g)].map(([, words]) => words).join(", ");
  return [
    ["prompt", prompt.replace(/\s*\[[^\]]*\]/g, "").trim()],
    ["negative_prompt", negative],
    ...numbers(image, {
      steps: "steps",
      cfg_scale: "guidance_scale",
      seed: "seed",
      width: "width",
      height: "height",
    }),
    ...samplerFields(image.sampler ?? "", ""),
  ];
}

/**
 * InvokeAI's command line: `"a cat" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A k_lms`.
 * @param {string} text
 * @returns {Fields}
 */
function readDream(text) {
  const prompt = /^\s*"((?:\\.|[^\\"])*)"/.exec(text)?.[1] ?? text.replace(/\s-[a-zA-Z] ?.*$/s, "");
  const rest = text.slice(text.indexOf(prompt) + prompt.length);
  const option = (/** @type {string} */ name) =>
    new RegExp(`\\s-${name}\\s?(\\S+)`).exec(rest)?.[1] ?? "";
  return [
    ["prompt", prompt.replaceAll('\\"', '"').trim()],
    ["steps", option("s")],
    ["seed", option("S")],
    ["width", option("W")],
    ["height", option("H")],
    ["guidance_scale", option("C")],
    ...samplerFields(option("A"), ""),
  ];
}

/**
 * ComfyUI: the graph. The first sampler says most, and the texts are found along its links.
 * @param {string} text
 * @returns {Fields}
 */
function readComfy(text) {
  /** @type {Record<string, { inputs: Record<string, any> }>} */
  const graph = JSON.parse(text);
  const nodes = Object.values(graph);
  const inputs = nodes.find((node) => node.inputs?.["positive"] && "steps" in node.inputs)?.inputs;
  if (!inputs) throw new Error("no sampler");
  /** @type {(link: any, name: string, depth?: number) => string} */
  const follow = (link, name, depth = 0) => {
    if (!Array.isArray(link)) return typeof link === "object" ? "" : String(link ?? "");
    const node = depth < 32 ? graph[link[0]]?.inputs : undefined;
    if (!node) return "";
    if (node[name] !== undefined) return follow(node[name], name, depth + 1);
    const links = Object.values(node).filter(Array.isArray);
    return links.map((next) => follow(next, name, depth + 1)).find((found) => found) ?? "";
  };
  return [
    ["prompt", follow(inputs["positive"], "text")],
    ["negative_prompt", follow(inputs["negative"], "text")],
    ["steps", follow(inputs["steps"], "value")],
    ["guidance_scale", follow(inputs["cfg"], "value")],
    ["seed", follow(inputs["seed"] ?? inputs["noise_seed"], "seed")],
    ["width", follow(inputs["latent_image"], "width")],
    ["height", follow(inputs["latent_image"], "height")],
    ...samplerFields(follow(inputs["sampler_name"], "value"), inputs["scheduler"] ?? ""),
    ["rng", "torch"],
  ];
}

/**
 * @param {Record<string, unknown>} data
 * @param {Record<string, string>} names theirs and ours
 * @returns {Fields}
 */
function numbers(data, names) {
  return Object.entries(names).map(([theirs, ours]) => [ours, String(data[theirs] ?? "")]);
}

/** Samplers by their letters and digits, without the prefix k. */
const SAMPLERS = new Map([
  ["ddim", "ddim"],
  ["plms", "pndm"],
  ["pndm", "pndm"],
  ["lms", "lms"],
  ["euler", "euler"],
  ["eulera", "euler_ancestral"],
  ["eulerancestral", "euler_ancestral"],
  ["heun", "heun"],
  ["dpmpp2m", "dpmpp_2m"],
  ["dpmpp2msde", "dpmpp_2m_sde"],
  ["dpm++2m", "dpmpp_2m"],
  ["dpm++2msde", "dpmpp_2m_sde"],
  ["unipc", "unipc"],
  ["lcm", "lcm"],
]);

/**
 * Ours for another program's sampler; a name that we do not have stays and is told at Generate.
 * @param {string} name
 * @param {string} schedule such as Karras
 * @returns {Fields}
 */
function samplerFields(name, schedule) {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9+]/g, "")
    .replace(/^k(?!arras)/, "");
  const karras = /karras$/.test(plain) || /karras/i.test(schedule) || /_k$/.test(name);
  const key = plain.replace(/karras$/, "");
  const known = SAMPLERS.get(key) ?? SAMPLERS.get(key.replace(/k$/, ""));
  return [
    ["sampler", known ?? name],
    ["karras", karras ? "true" : ""],
  ];
}
