// The upscaler of a request's second pass, where it is a file: as text in the field
// `hires_upscaler`, `file:NAME` or `file:NAME#HASH`. The engine is told `file`, and the file beside
// the request.

/** @typedef {{ name: string, hash: string }} UpscalerChoice */

/** How the text begins. */
const FILE = "file:";

/** @param {string} text @returns {UpscalerChoice | undefined} undefined where it names no file */
export function readUpscaler(text) {
  if (!text.startsWith(FILE)) return undefined;
  const [, name = "", hash = ""] = /^(.*?)(?:#([0-9a-f]{8,64}))?$/.exec(text.slice(5)) ?? [];
  return { name, hash };
}

/** @param {UpscalerChoice} choice */
export const writeUpscaler = ({ name, hash }) => FILE + name + (hash && `#${hash}`);
