// A reporter for Node's test runner: the tests that took longest, at the end.

/** So many of them. */
const SHOWN = 12;

/** @typedef {{ duration_ms: number, type?: string }} Details */
/** @typedef {{ name: string, nesting: number, details: Details }} Ended */

/** @param {AsyncIterable<{ type: string, data: unknown }>} events */
export default async function* slowest(events) {
  /** @type {{ name: string, seconds: number }[]} */
  const tests = [];
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const { name, nesting, details } = /** @type {Ended} */ (data);
    if (nesting === 0 && details.type !== "suite")
      tests.push({ name, seconds: details.duration_ms / 1000 });
  }
  tests.sort((a, b) => b.seconds - a.seconds);
  yield `   The longest of ${tests.length} tests:\n`;
  for (const { name, seconds } of tests.slice(0, SHOWN))
    yield `   ${seconds.toFixed(1).padStart(7)} s  ${name}\n`;
}
