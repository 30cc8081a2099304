// The file of a start image, or the sentence that it is no longer stored.

import { startImageFile } from "../storage/start_images.js";
import { say } from "../strings.js";

/** The file of a stored start image. @param {string} key */
export async function fileOf(key) {
  const file = await startImageFile(key);
  if (!file) throw new Error(say.startImageGone());
  return file;
}
