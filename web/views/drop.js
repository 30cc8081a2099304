// What is dropped on the page or pasted into it: a picture that carries its request fills in the
// form, any other one begins the next picture, a list of requests fills the queue.

import { say } from "../strings.js";
import { isPng, readTexts } from "../files/png.js";
import { requestOf } from "../files/request.js";
import { readRows } from "../files/table.js";
import { byId } from "./dom.js";

/** @typedef {import("../files/request.js").Fields} Fields */
/** @typedef {import("../files/table.js").Row} Row */

/** Files of lists that are larger are taken for a mistake. */
const LIST_MAX = 20_000_000;

/**
 * @param {object} handlers
 * @param {(fields: Fields, program: string) => void} handlers.onRequest
 * @param {(file: File, told: boolean) => void} handlers.onPicture to begin with; whether it was
 * said to be, by being dropped there
 * @param {(rows: Row[]) => void} handlers.onRows
 * @param {(error: unknown) => void} handlers.onFault
 */
export function createDrop({ onRequest, onPicture, onRows, onFault }) {
  const page = document.body;

  /** @param {Iterable<File>} files */
  async function take(files) {
    for (const file of files) {
      try {
        await takeOne(file);
      } catch (error) {
        onFault(error);
      }
    }
  }

  /** @param {File} file */
  async function takeOne(file) {
    const head = new Uint8Array(await file.slice(0, 8).arrayBuffer());
    if (isPng(head)) {
      const found = requestOf(await readTexts(new Uint8Array(await file.arrayBuffer())));
      if (!found) return onPicture(file, false);
      return onRequest(found.fields, found.program);
    }
    if (file.type.startsWith("image/")) return onPicture(file, false);
    if (!/\.(csv|jsonl?|txt)$/i.test(file.name) || file.size > LIST_MAX)
      throw new Error(say.unknownFile(file.name));
    let rows;
    try {
      rows = readRows(file.name, await file.text());
    } catch (error) {
      throw new Error(say.wrongFile(file.name, /** @type {Error} */ (error).message));
    }
    if (!rows.length) throw new Error(say.emptyFile(file.name));
    onRows(rows);
  }

  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  page.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    page.classList.add("dropping");
  });
  page.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) page.classList.remove("dropping");
  });
  page.addEventListener("drop", (event) => {
    page.classList.remove("dropping");
    if (!hasFiles(event)) return;
    event.preventDefault();
    const files = [...(event.dataTransfer?.files ?? [])];
    const there = event.target instanceof Element && event.target.closest("#initial");
    if (there && files[0]) onPicture(files[0], true);
    else take(files);
  });
  page.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    take(files);
  });
  const input = byId("queue-file", HTMLInputElement);
  input.addEventListener("change", () => {
    take([...(input.files ?? [])]);
    input.value = "";
  });
}
