// The readers of files. The page imports them lazily, with the user's first file.

export { listedControls } from "./controls.js";
export { readExif } from "./exif.js";
export { requestOf } from "./request.js";
export { readLines, readRows } from "./table.js";
export { decodeText } from "./text.js";
export { isZip, openZip } from "./unzip.js";
