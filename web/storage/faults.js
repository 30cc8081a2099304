// What went wrong lately: the last faults of the engine and of the page, kept so that they can be
// copied into a report. No prompt is ever in it.

import { remember, remembered } from "./settings.js";

const NAME = "faults";
const FAULTS_MAX = 20;
const LENGTH_MAX = 400;

/** Faults that are the user's wish, or about what was typed, which the form shows. */
const NOT_KEPT = new Set(["cancelled", "request", "closed"]);

/** @typedef {{ time: number, kind: string, message: string, engine: string }} Fault */

/** The latest first. @returns {Fault[]} */
export function listFaults() {
  try {
    const kept = JSON.parse(remembered(NAME) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/**
 * Keeps a fault.
 * @param {string} kind a stable name
 * @param {string} message
 * @param {string} engine what computed
 * @param {string[]} secrets texts that must not be kept: what was typed
 */
export function keepFault(kind, message, engine, secrets) {
  if (NOT_KEPT.has(kind)) return;
  const fault = { time: Date.now(), kind, message: without(message, secrets), engine };
  remember(NAME, JSON.stringify([fault, ...listFaults()].slice(0, FAULTS_MAX)));
}

export function forgetFaults() {
  remember(NAME, null);
}

/**
 * A message without what was typed: whole, and any run of three of its words.
 * @param {string} message
 * @param {string[]} secrets
 */
export function without(message, secrets) {
  let text = message;
  for (const secret of secrets.map((typed) => typed.trim()).filter(Boolean)) {
    const words = secret.split(/\s+/);
    const runs = words.slice(0, -2).map((_, i) => words.slice(i, i + 3).join(" "));
    for (const part of [secret, ...runs]) text = text.replaceAll(part, "[prompt]");
  }
  return text.slice(0, LENGTH_MAX);
}

/** All faults as text for a report. @param {Fault[]} faults */
export function report(faults) {
  return faults
    .map(({ time, kind, message, engine }) =>
      [new Date(time).toISOString(), kind, engine, message].filter(Boolean).join(" · "),
    )
    .join("\n");
}
