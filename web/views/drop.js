// What is dropped on the page or pasted into it: a picture that carries its request fills in the
// form, any other one begins the next picture, a list of requests fills the queue, also one in this
// page's own export. The text that other programs copy with a picture, in place of a prompt, fills
// in the form as well.

import { say } from "../strings.js";
import { isPng, readTexts } from "../files/png.js";
import { importText } from "../strings/imports.js";
import { byId } from "../dom.js";
import { modelsOf } from "./local-files.js";
import { offerUndo } from "./undo.js";

/** @typedef {import("../files/request.js").Read} Read */
/** @typedef {import("../files/table.js").Row} Row */

/** Files of lists that are larger are taken for a mistake; of larger pictures no text is read. */
const LIST_MAX = 20_000_000;
const PICTURE_MAX = 500_000_000;

/** What an archive's list is called. */
const REQUESTS = "requests.jsonl";

/** What reads files is fetched when the first one comes: the page begins without it. */
const readers = () => import("../files/readers.js");

/**
 * @param {object} handlers
 * @param {(read: Read, text: boolean) => () => void} handlers.onRequest hears whether it came as
 * text, and gives how to take it back
 * @param {(file: File, told: boolean) => void} handlers.onPicture to begin with; whether it was
 * said to be, by being dropped there
 * @param {(rows: Row[]) => void} handlers.onRows
 * @param {(files: import("./local-files.js").Given) => void} handlers.onModels for the library
 * @param {(error: unknown) => void} handlers.onFault
 */
export function createDrop({ onRequest, onPicture, onRows, onModels, onFault }) {
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
    if (isPng(head) || file.type.startsWith("image/")) {
      const found = await requestIn(file, isPng(head));
      if (found === "workflow") throw new Error(importText.workflowOnly(file.name));
      if (found === "unread") throw new Error(importText.unread(file.name));
      return found ? void onRequest(found, false) : onPicture(file, false);
    }
    const { decodeText, isZip, readRows, unzipOne } = await readers();
    const packed = isZip(head) && /\.zip$/i.test(file.name);
    if (!packed && (!/\.(csv|jsonl?|txt)$/i.test(file.name) || file.size > LIST_MAX))
      throw new Error(say.unknownFile(file.name));
    let rows;
    try {
      const bytes = packed
        ? await unzipOne(file, REQUESTS)
        : new Uint8Array(await file.arrayBuffer());
      rows = readRows(packed ? REQUESTS : file.name, decodeText(bytes));
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      throw new Error(say.wrongFile(file.name, message), { cause: error });
    }
    if (!rows.length) throw new Error(say.emptyFile(file.name));
    onRows(rows);
  }

  /**
   * @param {File} file
   * @param {boolean} png
   */
  async function requestIn(file, png) {
    if (file.size > PICTURE_MAX) return null;
    const bytes = new Uint8Array(await file.arrayBuffer());
    const { readExif, requestOf } = await readers();
    // What a PNG file has as text comes before its Exif data.
    return requestOf(new Map([...readExif(bytes), ...(png ? await readTexts(bytes) : [])]));
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
    const models = modelsOf(event);
    if (models) return void models.then(onModels, onFault);
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
  return watchPrompt(onRequest, onFault);
}

/** Characters of a pasted text that is looked at. */
const TEXT_MAX = 100_000;

/**
 * Whether a text ends as a request of AUTOMATIC1111's web UI does: with a line of fields that names
 * the steps and a setting beside them; or, where the line breaks were lost, sampler and seed too. A
 * prompt may well contain `Steps:`.
 * @param {string} text
 */
function holdsRequest(text) {
  if (text.length > TEXT_MAX) return false;
  const line = /^[ \t]*Steps: ?\d+, .{0,2000}?\b(?:Sampler|Seed|CFG [Ss]cale|Size): ?[^\s,]/m;
  const folded = /\sSteps: ?\d+, Sampler: [^,\n]{1,99}, .{0,2000}?\bSeed: ?\d/;
  return line.test(text) || folded.test(text);
}

/**
 * A request that is pasted into the prompt, or typed there, fills in the form. Taken back, the text
 * stands in the prompt as it was.
 * @param {(read: Read, text: boolean) => () => void} onRequest
 * @param {(error: unknown) => void} onFault
 */
function watchPrompt(onRequest, onFault) {
  const prompt = byId("prompt", HTMLTextAreaElement);
  let pasted = "";
  /** The prompt as it was when it was looked at last: that is not read again. */
  let seen = "";
  /** @type {Promise<void> | null} */
  let reading = null;

  /** @param {string} text */
  async function take(text) {
    const { requestOf } = await readers();
    const read = requestOf(new Map([["parameters", text]]));
    // What was typed meanwhile is not overwritten.
    if (!read || typeof read === "string" || prompt.value !== seen) return;
    const back = onRequest(read, true);
    offerUndo(importText.pasted(), () => {
      back();
      seen = prompt.value;
    });
  }

  /** @param {string} text */
  function look(text) {
    if (!holdsRequest(text)) return;
    seen = prompt.value;
    const mine = take(text)
      .catch(onFault)
      .finally(() => mine === reading && (reading = null));
    reading = mine;
  }

  prompt.addEventListener("paste", ({ clipboardData }) => {
    pasted = clipboardData?.getData("text/plain") ?? "";
  });
  prompt.addEventListener("input", (event) => {
    const { inputType } = /** @type {InputEvent} */ (event);
    if (inputType === "insertFromPaste") look(pasted);
  });
  // Typed by hand it is whole when the field is left.
  prompt.addEventListener("change", () => look(prompt.value));

  return {
    /** Before the prompt is used: the reading of a request in it, if there is one to wait for. */
    reading() {
      if (prompt.value !== seen) look(prompt.value);
      return reading;
    },
  };
}
