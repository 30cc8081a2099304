// A reporter for Node's test runner that writes at the end: the tests that took longest, then every
// test that failed with its reason. A log of hours is read from its end.

/** So many of the slow tests. */
const SHOWN = 12;

/** @typedef {Error & { cause?: unknown, failureType?: string }} Fault */
/** @typedef {{ duration_ms: number, type?: string, error?: Fault }} Details */
/**
 * @typedef {object} Ended
 * @property {string} name
 * @property {number} nesting
 * @property {string} [file]
 * @property {number} [line]
 * @property {Details} details
 */

/** What an error of the runner says: it wraps the one that was thrown. @param {Fault} [error] */
function reason(error) {
  const thrown = error?.cause ?? error;
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  const lines = text.split("\n").filter((line) => line.trim() && !/^ +at .*\(?node:/.test(line));
  return lines.join("\n      ");
}

/** @param {AsyncIterable<{ type: string, data: unknown }>} events */
export default async function* summary(events) {
  /** @type {{ name: string, seconds: number }[]} */
  const tests = [];
  /** @type {string[]} */
  const failed = [];
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const { name, nesting, details, file, line } = /** @type {Ended} */ (data);
    // Of a test whose parts failed, its parts are listed.
    if (type === "test:fail" && details.error?.failureType !== "subtestsFailed")
      failed.push(`   FAILED: ${name} (${file}:${line})\n      ${reason(details.error)}\n`);
    if (nesting === 0 && details.type !== "suite")
      tests.push({ name, seconds: details.duration_ms / 1000 });
  }
  tests.sort((a, b) => b.seconds - a.seconds);
  yield `   The longest of ${tests.length} tests:\n`;
  for (const { name, seconds } of tests.slice(0, SHOWN))
    yield `   ${seconds.toFixed(1).padStart(7)} s  ${name}\n`;
  yield* failed;
}
