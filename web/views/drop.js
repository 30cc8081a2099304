// Takes what is dropped on the page or pasted into it. An image with a request inside fills in the
// form; any other image becomes the start image. A list of requests, also in an export of the
// gallery, is added to the queue. Settings of another program that are pasted into the prompt as
// text fill in the form as well.

import { say } from "../strings.js";
import { isPng, readTexts } from "../files/png.js";
import { importText } from "../strings/imports.js";
import { keepStartImage } from "../storage/start_images.js";
import { byId } from "../dom.js";
import { modelsOf } from "./local-files.js";
import { offerUndo } from "./undo.js";

/** @typedef {Awaited<ReturnType<typeof import("../store/matched.js").matched>>} Read */
/** @typedef {import("../files/table.js").Row} Row */

/** Bytes: a larger file is no list, but a mistake. */
const LIST_MAX = 20_000_000;
/** Bytes: of a larger image the texts are not read. */
const PICTURE_MAX = 500_000_000;

/** The list's name in an export of the gallery. */
const REQUESTS = "requests.jsonl";

/** Loaded with the first file, so that the page starts faster. */
const readers = () => import("../files/readers.js");
/** Finds what a request names among what is stored. */
const matching = () => import("../store/matched.js");

/**
 * @param {object} handlers
 * @param {(read: Read, text: boolean) => () => void} handlers.onRequest fills in a request; `text`:
 * it was pasted as text. Returns a function that undoes it.
 * @param {(file: File, onTarget: boolean) => void} handlers.onPicture takes a start image;
 * `onTarget`: it was dropped on the field of the start image
 * @param {(file: File, at: Element) => void} handlers.onControl takes the picture of a ControlNet;
 * `at`: where it was dropped or pasted
 * @param {(rows: Row[], whole: boolean) => void} handlers.onRows `whole`: they name their start
 * images; one without has none
 * @param {(files: import("./local-files.js").Given, behind: boolean) => void} handlers.onModels for
 * the library; `behind`: a dialog is open before it
 * @param {(error: unknown) => void} handlers.onFault
 */
export function createDrop({ onRequest, onPicture, onControl, onRows, onModels, onFault }) {
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
      if (!found) return onPicture(file, false);
      const { matched } = await matching();
      return void onRequest(await matched(found), false);
    }
    const { decodeText, isZip, readRows } = await readers();
    const packed = isZip(head) && /\.zip$/i.test(file.name);
    if (!packed && (!/\.(csv|jsonl?|txt)$/i.test(file.name) || file.size > LIST_MAX))
      throw new Error(say.unknownFile(file.name));
    let rows;
    try {
      rows = packed
        ? await rowsInZip(file)
        : readRows(file.name, decodeText(new Uint8Array(await file.arrayBuffer())));
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      throw new Error(say.wrongFile(file.name, message), { cause: error });
    }
    if (!rows.length) throw new Error(say.emptyFile(file.name));
    onRows(rows, packed);
  }

  /**
   * @param {File} file
   * @param {boolean} png
   */
  async function requestIn(file, png) {
    if (file.size > PICTURE_MAX) return null;
    const bytes = new Uint8Array(await file.arrayBuffer());
    const { readExif, requestOf } = await readers();
    // The texts of a PNG file are used before its Exif data.
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
  // While the painter is open, a file is a mask: the painter takes it.
  const paints = () => byId("editor", HTMLDialogElement).open;
  /** @param {File[]} files @param {Element | null} on where they were dropped or pasted */
  const takeAt = (files, on) => {
    const [first] = files;
    if (first && on?.closest("#control-box")) onControl(first, on);
    else if (first && on?.closest("#initial")) onPicture(first, true);
    else take(files);
  };
  page.addEventListener("drop", (event) => {
    page.classList.remove("dropping");
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (paints()) return;
    const models = modelsOf(event);
    const isBehind = enlarges();
    if (models) return void models.then((files) => onModels(files, isBehind), onFault);
    if (isBehind) return;
    takeAt([...(event.dataTransfer?.files ?? [])], /** @type {Element} */ (event.target));
  });
  page.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || paints() || enlarges()) return;
    event.preventDefault();
    const on = document.activeElement;
    takeAt(files, on?.closest("#control-box") ? on : null);
  });
  watchInput(take);
  return watchPrompt(onRequest, onFault);
}

/**
 * Whether the dialog that enlarges images is open: it takes models only, and the page behind it
 * stays where it is.
 */
const enlarges = () => !!document.querySelector("#enlarge-dialog[open]");

/** The queue's button that opens files. @param {(files: File[]) => void} take */
function watchInput(take) {
  const input = byId("queue-file", HTMLInputElement);
  input.addEventListener("change", () => {
    take([...(input.files ?? [])]);
    input.value = "";
  });
}

/**
 * The requests in an export of the gallery, with the start images, masks and control pictures that
 * are in it.
 * @param {File} file
 * @returns {Promise<Row[]>}
 */
async function rowsInZip(file) {
  const { decodeText, listedControls, openZip, readLines } = await readers();
  const read = await openZip(file);
  const list = await read(REQUESTS);
  if (!list) throw new Error(importText.noRequests());
  /** The keys of stored files by their paths. @type {Map<string, string>} */
  const keys = new Map();
  const keyOf = async (/** @type {string} */ path, /** @type {number} */ line) => {
    const bytes = path && !keys.has(path) ? await read(path, PICTURE_MAX) : null;
    if (bytes) keys.set(path, await keepStartImage(new Blob([bytes], { type: "image/png" })));
    else if (path && !keys.has(path))
      throw new SyntaxError(importText.line(line, importText.notInZip(path)));
    return keys.get(path) ?? "";
  };
  const rows = [];
  for (const { line, row: whole } of readLines(REQUESTS, decodeText(list), true)) {
    const { init = "", mask = "", controls = "", ...row } = whole;
    const initial = await keyOf(init, line);
    const maskKey = initial && (await keyOf(mask, line));
    const guides = [];
    for (const { image } of controls ? JSON.parse(controls) : [])
      guides.push(await keyOf(String(image), line));
    const beside = guides.length && { controls: listedControls(controls, guides) };
    const start = { ...(initial && { initial }), ...(maskKey && { mask: maskKey }) };
    rows.push({ ...row, ...start, ...beside });
  }
  return rows;
}

/** The most characters of a pasted text that is searched for settings. */
const TEXT_MAX = 100_000;

/**
 * Whether a text has a line of settings as AUTOMATIC1111's web UI writes it: `Steps:` and at least
 * one other setting; or, without line breaks, `Steps:`, `Sampler:` and `Seed:`. `Steps:` alone does
 * not suffice, because a prompt may contain it. Or whether it is JSON of another program.
 * @param {string} text
 */
function holdsRequest(text) {
  if (text.length > TEXT_MAX) return false;
  const line = /^[ \t]*Steps: ?\d+, .{0,2000}?\b(?:Sampler|Seed|CFG [Ss]cale|Size): ?[^\s,]/m;
  const folded = /\sSteps: ?\d+, Sampler: [^,\n]{1,99}, .{0,2000}?\bSeed: ?\d/;
  return line.test(text) || folded.test(text) || JSON_OF.test(text);
}

/** JSON of other programs, by names that only they have. */
const JSON_OF =
  /^\s*\{[^]*"(?:class_type|widgets_values|positive_prompt|sui_image_params|base_model)"\s*:/;
/** The keywords under which files have such JSON. */
const KEYWORDS = ["parameters", "invokeai_metadata", "prompt", "workflow"];

/**
 * Reads a request that is pasted into the prompt or typed there, and fills in the form. Undo puts
 * the text back into the prompt.
 * @param {(read: Read, text: boolean) => () => void} onRequest
 * @param {(error: unknown) => void} onFault
 */
function watchPrompt(onRequest, onFault) {
  const prompt = byId("prompt", HTMLTextAreaElement);
  let pasted = "";
  /** The prompt in which a request was found last; `pasteInProgress` does not read it again. */
  let seen = "";
  /** @type {Promise<void> | null} */
  let reading = null;

  /** @param {string} text */
  async function take(text) {
    const [{ requestOf }, { matched }] = await Promise.all([readers(), matching()]);
    const read = requestOf(new Map(KEYWORDS.map((keyword) => [keyword, text])));
    if (!read || typeof read === "string") return;
    const here = await matched(read);
    // If the user has typed meanwhile, the form stays.
    if (prompt.value !== seen) return;
    const back = onRequest(here, true);
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
  // Text that is typed by hand is complete when the user leaves the field.
  prompt.addEventListener("change", () => look(prompt.value));

  return {
    /** Called before the prompt is used: resolves when a request in it was read; null if none. */
    pasteInProgress() {
      if (prompt.value !== seen) look(prompt.value);
      return reading;
    },
  };
}
