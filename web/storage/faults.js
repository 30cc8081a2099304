// The latest faults of the engine and of the page, stored so that the user can copy them into a
// report. They never contain a prompt.

import { remember, remembered } from "./settings.js";

const NAME = "faults";
const FAULTS_MAX = 20;
const LENGTH_MAX = 400;

/** Kinds that are not stored: cancels, and faults about a field, which the form shows. */
const NOT_KEPT = new Set(["cancelled", "request", "closed"]);

/** @typedef {{ time: number, kind: string, message: string, engine: string }} Fault */

/** All stored faults, the latest first. @returns {Fault[]} */
export function listFaults() {
  try {
    const kept = JSON.parse(remembered(NAME) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/**
 * Stores a fault.
 * @param {string} kind a stable name
 * @param {string} message
 * @param {string} engine model, precision and device, as a line of text
 * @param {string[]} secrets texts that must not be stored: what the user typed
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
 * A message without the secrets: each whole, and any three words that follow one another in it.
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
