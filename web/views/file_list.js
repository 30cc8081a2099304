// The files of a stored model in the library, with their sizes and hashes.

import { library as text } from "../strings/library.js";
import { withText } from "../dom.js";

/**
 * A list of all files with their sizes and hashes, as text that can be copied.
 * @param {import("../store/protocol.js").StoredModel} model
 */
export function fileList({ manifest, files }) {
  const box = document.createElement("details");
  const lines = manifest.files.map(({ path, bytes, sha256 }) => {
    const state = files[path];
    const hash = state?.sha256 ?? sha256 ?? text.unknownHash();
    const pinned = state?.pinned ? `  ${text.pinned(state.pinned)}` : "";
    return `${hash}  ${path}  ${state?.bytes ?? bytes ?? "?"}${pinned}`;
  });
  box.append(withText("summary", text.files(lines.length)), withText("pre", lines.join("\n")));
  return box;
}
