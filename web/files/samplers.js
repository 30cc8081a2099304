// Other programs' names of samplers and noise schedules. One that this program does not have is
// listed as not imported; it is never replaced by a similar one.

import { importText } from "../strings/imports.js";

/** @typedef {import("./request.js").Found} Found */

/** Samplers by name, reduced to letters, digits and +, without the prefix k. */
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
  ["lcmscheduler", "lcm"],
  ["tcd", "tcd"],
  ["tcdscheduler", "tcd"],
]);

/** Samplers for which AUTOMATIC1111's "Automatic" is not the model's own schedule. */
const AUTOMATIC = new Map([
  ["dpm++2m", "karras"],
  ["dpm++sde", "karras"],
  ["dpm++2sa", "karras"],
  ["dpm2", "karras"],
  ["dpm2a", "karras"],
  ["dpm++2msde", "exponential"],
  ["dpm++2msdeheun", "exponential"],
  ["dpm++3msde", "exponential"],
]);

/** Names of the model's own schedule. */
const PLAIN = ["", "automatic", "normal", "discrete", "default", "uniform"];

/** @param {string} name */
const letters = (name) => name.toLowerCase().replace(/[^a-z0-9+]/g, "");

/**
 * @param {string} name
 * @param {string} [schedule] such as Karras
 * @returns {Found}
 */
export function samplerFields(name, schedule = "") {
  let plain = letters(name).replace(/^k(?!arras)/, "");
  if (/_gpu$/i.test(name)) plain = plain.slice(0, -"gpu".length);
  const karrasName = /karras$/.test(plain) || /_k$/.test(name);
  let key = plain.replace(/karras$|exponential$/, "");
  if (/_k$/.test(name)) key = key.slice(0, -1);
  let wanted = letters(schedule).replace("default", "");
  if (wanted === "automatic") wanted = AUTOMATIC.get(key) ?? "";
  if (karrasName) wanted = "karras";
  if (/exponential$/.test(plain)) wanted = "exponential";
  const known = SAMPLERS.get(key);
  const notImported = [];
  if (!known && name) notImported.push(importText.sampler(name));
  if (wanted !== "karras" && !PLAIN.includes(wanted)) notImported.push(importText.schedule(wanted));
  return {
    fields: [
      ["sampler", known ?? ""],
      ["karras", known && wanted === "karras" ? "true" : ""],
    ],
    notImported,
  };
}
