// JSON in the line of settings that AUTOMATIC1111's web UI introduced: `Hashes: {…}` and `Civitai
// resources: [{…}]` of Civitai, `SDCPP: {…}` of stable-diffusion.cpp, `Custom Sigmas: [1, 2]`. Its
// commas are no ends of settings, so it is cut out before the line is read. One pass over the text.

/** A setting's name before its value. */
const NAME = /, ?([\p{L}\p{N} \-/_]{1,60}): $/u;

/**
 * @param {string} text
 * @returns {{ text: string, objects: Map<string, string> }} the text without them, and JSON by name
 */
export function cutObjects(text) {
  const objects = new Map();
  const line = text.startsWith("Steps: ") ? 0 : text.lastIndexOf("\nSteps: ");
  if (line < 0) return { text, objects };
  const kept = [text.slice(0, line)];
  let from = line;
  for (let at = line; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"') {
      at = endOfString(text, at);
      if (at < 0) break;
    }
    if (letter !== "{" && letter !== "[") continue;
    const name = NAME.exec(text.slice(Math.max(from, at - 64), at));
    if (!name) continue;
    const end = endOfObject(text, at);
    if (end < 0) break;
    kept.push(text.slice(from, at - name[0].length));
    objects.set(name[1] ?? "", text.slice(at, end + 1));
    from = end + 1;
    at = end;
  }
  return { text: kept.join("") + text.slice(from), objects };
}

/**
 * The index of the quote that ends a string; −1 without one.
 * @param {string} text
 * @param {number} at
 */
function endOfString(text, at) {
  let end = at + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
  return end < text.length ? end : -1;
}

/**
 * The index of the bracket that ends an object or a list; −1 without one.
 * @param {string} text
 * @param {number} at
 */
function endOfObject(text, at) {
  let depth = 0;
  for (let end = at; end < text.length; end++) {
    const letter = text[end] ?? "";
    if (letter === '"') {
      end = endOfString(text, end);
      if (end < 0) return -1;
    } else if ("{[".includes(letter)) depth += 1;
    else if ("}]".includes(letter)) depth -= 1;
    if (depth === 0) return end;
  }
  return -1;
}
