// All that reads files of other programs: fetched when the first one comes.

export { readExif } from "./exif.js";
export { requestOf } from "./request.js";
export { readRows } from "./table.js";
export { decodeText } from "./text.js";
export { isZip, unzipOne } from "./unzip.js";
