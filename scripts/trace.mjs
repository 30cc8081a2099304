// Reads traces of a browser: how long the page's main thread worked at a stretch.

/** What a trace must record for this. */
export const CATEGORIES = [
  ...["toplevel", "devtools.timeline", "v8", "disabled-by-default-v8.compile"],
];

/** @typedef {{ name: string, ph: string, ts: number, dur?: number, tdur?: number, pid: number,
 * tid: number, args: any }} TraceEvent */

/** What a script's task is called in a trace; what is in them is the page's own. */
const SCRIPTS = new Set(["FunctionCall", "EvaluateScript", "v8.evaluateModule", "RunMicrotasks"]);

/**
 * The longest times that the page's main thread worked at a stretch, in milliseconds: of a whole
 * task and of scripts. Both are times of the processor, so that a busy machine does not count.
 * @param {Buffer} trace
 */
export function longest(trace) {
  /** @type {{ traceEvents: TraceEvent[] }} */
  const { traceEvents } = JSON.parse(trace.toString());
  const main = new Set(
    traceEvents
      .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const most = (/** @type {(name: string) => boolean} */ which) =>
    Math.max(
      0,
      ...traceEvents
        .filter(({ name, ph, pid, tid }) => ph === "X" && main.has(`${pid} ${tid}`) && which(name))
        .map(({ tdur = 0 }) => tdur / 1000),
    );
  return {
    task: most((name) => name.endsWith("RunTask")),
    script: most((name) => SCRIPTS.has(name)),
  };
}
