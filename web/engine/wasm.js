// Fetches the engine's wasm, and tells how much of it has come.

/** @typedef {import("./protocol.js").Progress} Progress */

/** Where it is; a worker that was started elsewhere is told. @returns {string} */
function address() {
  const told = /** @type {{ darkroomWasm?: string }} */ (globalThis).darkroomWasm;
  return told ?? new URL("../pkg/darkroom_bg.wasm", import.meta.url).href;
}

/**
 * The answer, whose bytes are counted as they come.
 * @param {(progress: Progress) => void} onProgress
 * @returns {Promise<Response>}
 */
export async function fetchWasm(onProgress) {
  const answer = await fetch(address());
  if (!answer.ok || !answer.body) return answer;
  const { headers } = answer;
  // What is packed on the way is longer than its length says.
  const packed = headers.get("Content-Encoding");
  const total = packed ? 0 : Number(headers.get("Content-Length"));
  let done = 0;
  let told = 0;
  const count = new TransformStream({
    transform(/** @type {Uint8Array} */ part, out) {
      done += part.length;
      out.enqueue(part);
      if (done - told < 100_000) return;
      told = done;
      onProgress({ event: "loading", part: "engine", bytes_done: done, bytes_total: total });
    },
  });
  const type = headers.get("Content-Type") ?? "application/wasm";
  return new Response(answer.body.pipeThrough(count), { headers: { "Content-Type": type } });
}
