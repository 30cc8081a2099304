// The template of an expanded prompt in the PNG file of its image: the text "darkroom-template", as
// JSON (PNG specification, 11.3.3.4: iTXt, keyword, flags, empty language and translation, UTF-8).

import { crc32 } from "../files/zip.js";

const KEYWORD = "darkroom-template";

/** Bytes of the chunk IEND, which ends a file. */
const END = 12;

/**
 * @param {Uint8Array<ArrayBuffer>} png
 * @param {import("./expand.js").Template} template
 */
export function withTemplate(png, template) {
  const body = new TextEncoder().encode(`iTXt${KEYWORD}\0\0\0\0\0${JSON.stringify(template)}`);
  const made = new Uint8Array(png.length + 8 + body.length);
  const view = new DataView(made.buffer);
  const at = png.length - END;
  made.set(png.subarray(0, at));
  view.setUint32(at, body.length - 4);
  made.set(body, at + 4);
  view.setUint32(at + 4 + body.length, crc32(body));
  made.set(png.subarray(at), at + 8 + body.length);
  return made;
}
