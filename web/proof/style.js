// The style sheet of what shows hashes, loaded with it.

let isThere = false;

/** Adds the style sheet to the page, once. */
export function withStyle() {
  if (isThere) return;
  isThere = true;
  const href = new URL("../style/proof.css", import.meta.url).href;
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
}
