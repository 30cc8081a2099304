// Fetches the engine's wasm, and reports how many bytes have been received.

/** @typedef {import("./protocol.js").Progress} Progress */

/** The URL of the wasm. The npm module sets `darkroomWasm`. @returns {string} */
function address() {
  const given = /** @type {{ darkroomWasm?: string }} */ (globalThis).darkroomWasm;
  return given ?? new URL("../pkg/darkroom_bg.wasm", import.meta.url).href;
}

/**
 * The response with the wasm. Its bytes are counted while they are read.
 * @param {(progress: Progress) => void} onProgress
 * @returns {Promise<Response>}
 */
export async function fetchWasm(onProgress) {
  const response = await fetch(address());
  if (!response.ok || !response.body) return response;
  const { headers } = response;
  // With Content-Encoding the decoded body is longer than Content-Length.
  const encoded = headers.get("Content-Encoding");
  const total = encoded ? 0 : Number(headers.get("Content-Length"));
  let done = 0;
  let reported = 0;
  const count = new TransformStream({
    transform(/** @type {Uint8Array} */ part, out) {
      done += part.length;
      out.enqueue(part);
      if (done - reported < 100_000) return;
      reported = done;
      onProgress({ event: "loading", part: "engine", bytes_done: done, bytes_total: total });
    },
  });
  const type = headers.get("Content-Type") ?? "application/wasm";
  return new Response(response.body.pipeThrough(count), { headers: { "Content-Type": type } });
}
