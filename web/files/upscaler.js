// The upscaler of a request's second pass, where that is a file: as text in the field `upscaler`,
// `NAME` or `NAME#HASH`, the file's name without its extension and the first digits of its SHA-256.

/** @typedef {{ name: string, hash: string }} UpscalerChoice */

/** @param {string} text @returns {UpscalerChoice | undefined} undefined where it names none */
export function readUpscaler(text) {
  const [, name = "", hash = ""] = /^(.*?)(?:#([0-9a-f]{8,64}))?$/.exec(text.trim()) ?? [];
  return name ? { name, hash } : undefined;
}

/** @param {UpscalerChoice} choice */
export const writeUpscaler = ({ name, hash }) => name + (hash && `#${hash}`);
