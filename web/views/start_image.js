// The form's start image: chosen, dropped or pasted, shown small with its mask in red, painted,
// extended, removed; and the strength, which says how far the next image may differ from it. The
// start images before it, with their masks, can be had back.

import { pngOf } from "../edit/files.js";
import { pixelsOf } from "../files/pixels.js";
import { readSteps } from "../request/draft.js";
import { startImageFile, keepStartImage } from "../storage/start_images.js";
import { say } from "../strings.js";
import { editText } from "../strings/edit.js";
import { anyById, button, byId, onPress } from "../dom.js";
import { createExtend } from "./extend.js";
import { createMaskFields } from "./mask_fields.js";
import { createSmall } from "./small_start.js";

/** How many start images of before can be had back. */
const STEPS_MAX = 20;

/** @typedef {import("../request/draft.js").Start} Start */
/** @typedef {import("../engine/protocol.js").Description} Description */
/** @typedef {import("../engine/protocol.js").Extended} Extended */

/** @type {Start} */
const NONE = { initial: "", mask: "" };

/**
 * How to get a start image: its file, how to store it, which gives its key, and the key of its mask.
 * @typedef {{ file: Blob, keep: () => string | Promise<string>, mask?: string }} Found
 */

/**
 * @typedef {object} Handlers
 * @property {() => void} onChange
 * @property {(open: boolean) => void} onEditor the painter was opened or closed
 * @property {import("./extend.js").Outpaint} outpaint
 * @property {(width: number, height: number) => void} onSize the next image should have this size
 * @property {(error: unknown) => void} onFault
 */

export class StartImage {
  #handlers;
  #input = byId("initial-file", HTMLInputElement);
  #strength = byId("strength", HTMLInputElement);
  #fields;
  #small = createSmall();
  /** Loaded when it is opened first. @type {Promise<import("../edit/painter.js").Painter> | null} */
  #loading = null;
  /** @type {import("../edit/painter.js").Painter | null} */
  #painter = null;
  #extend;
  #now = NONE;
  /** The start image that the painter was opened on. */
  #painted = "";
  /** Start images of before, the latest last. @type {Start[]} */
  #steps = [];
  /** Whether the request in the form had a start image that is not stored here. */
  #missing = false;
  /** What the open model is for. @type {NonNullable<Description["purpose"]>} */
  #purpose = "generate";
  /** Counts choices: when an older choice ends after a later one, its result is ignored. */
  #choices = 0;

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
    const { onChange, outpaint } = handlers;
    this.#fields = createMaskFields(onChange);
    this.#extend = createExtend({
      outpaint,
      find: async () => pixelsOf(await fileOf(this.#now.initial)),
      onExtended: (extended) => this.#takeExtended(extended),
    });
    this.#listen();
    this.show();
  }

  #listen() {
    const input = this.#input;
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      input.value = "";
      if (file) void this.take(file, file.name);
    });
    this.#strength.addEventListener("input", () => this.show());
    onPress("initial-edit", () => void this.edit());
    onPress("initial-back", () => this.#back());
    onPress("mask-discard", () => {
      this.#remember();
      void this.#takeMask(null).catch(this.#handlers.onFault);
      button("initial-edit").focus();
    });
    onPress("initial-remove", () => {
      this.clear();
      this.#handlers.onChange();
      input.focus();
    });
  }

  show() {
    const { initial, mask } = this.#now;
    anyById("initial-box").hidden = !initial;
    anyById("initial-choose").hidden = !!initial;
    byId("strength-value", HTMLOutputElement).value = this.#strength.value;
    const hint = anyById("initial-hint");
    hint.hidden = !this.#missing;
    hint.textContent = this.#missing ? say.startImageMissing() : "";
    button("initial-edit").textContent = editText.paint(!!mask);
    button("mask-discard").hidden = !mask;
    // A model that edits by instructions has neither a strength nor a mask.
    const edits = this.#purpose === "edit";
    for (const id of ["strength-field", "initial-edit", "extend"]) anyById(id).hidden = edits;
    button("mask-discard").hidden ||= edits;
    anyById("purpose-hint").textContent = editText.purpose(this.#purpose, !!initial, !!mask);
    const count = this.#former().length;
    anyById("initial-steps").hidden = !count;
    button("initial-back").textContent = editText.back(count);
    this.#fields.show(!!mask && !edits);
  }

  /** Adapts the form to a model. @param {Description} description */
  describe({ purpose = "generate" }) {
    this.#purpose = purpose;
    this.show();
  }

  /** Start images of before that are not the present one. */
  #former() {
    const { initial, mask } = this.#now;
    return this.#steps.filter((one) => one.initial !== initial || one.mask !== mask);
  }

  /** The present start image can be had back, once another takes its place. */
  #remember() {
    const [now, last] = [this.#now, this.#steps.at(-1)];
    const known = last?.initial === now.initial && last.mask === now.mask;
    if (now.initial && !known) this.#steps = [...this.#steps, now].slice(-STEPS_MAX);
  }

  /**
   * Makes a file the start image.
   * @param {() => Promise<Found>} find
   * @param {string} name for messages
   * @param {() => void} [undo] if it cannot be one; without it the image of before stays
   * @returns {Promise<boolean>} whether it is the start image now
   */
  async #choose(find, name, undo) {
    const mine = ++this.#choices;
    try {
      const { file, keep, mask = "" } = await find();
      // A file that cannot be decoded is not stored.
      const paint = await this.#small.read(file);
      const initial = await keep();
      if (mine !== this.#choices) return false;
      paint();
      if (this.#now.initial !== initial) {
        this.#remember();
        this.#now = { initial, mask };
        this.closeEditor();
      }
      this.#missing = false;
      await this.#drawMask();
      this.show();
      this.#handlers.onChange();
      return true;
    } catch (error) {
      const reason = /** @type {Error} */ (error).message;
      if (mine !== this.#choices) return false;
      undo?.();
      this.#handlers.onFault(new Error(say.notAPicture(name, reason)));
      return false;
    }
  }

  /** The painter, made at its first use. After a failure the next call tries again. */
  #thePainter() {
    const { onEditor, onFault } = this.#handlers;
    this.#loading ??= import("../edit/painter.js").then(
      ({ Painter }) =>
        (this.#painter = new Painter({
          onMask: async (file) => {
            // Else another image has taken its place while it was painted.
            if (this.#painted === this.#now.initial) await this.#takeMask(file);
          },
          onOpen: () => onEditor(true),
          onClose: () => onEditor(false),
          onFault,
        })),
    );
    this.#loading.catch(() => (this.#loading = null));
    return this.#loading;
  }

  /** Draws the mask over the small image. A mask whose file is gone is none. */
  async #drawMask() {
    const { mask } = this.#now;
    const file = mask ? await startImageFile(mask).catch(() => undefined) : undefined;
    if (mask !== this.#now.mask) return;
    if (mask && !file) {
      this.#now = { ...this.#now, mask: "" };
      this.#handlers.onFault(new Error(editText.maskGone()));
    }
    await this.#small.mask(file);
  }

  /** The painter's mask has changed. @param {Blob | null} file */
  async #takeMask(file) {
    const { initial } = this.#now;
    const mask = file ? await keepStartImage(file) : "";
    if (initial !== this.#now.initial) return;
    this.#now = { initial, mask };
    await this.#drawMask();
    this.show();
    this.#handlers.onChange();
  }

  /** @param {Extended} extended */
  async #takeExtended({ initial, mask }) {
    const [file, maskFile] = await Promise.all([pngOf(initial), pngOf(mask)]);
    const found = { file, keep: () => keepStartImage(file), mask: await keepStartImage(maskFile) };
    const chosen = await this.#choose(async () => found, say.startImage());
    if (chosen) this.#handlers.onSize(initial.width, initial.height);
  }

  /** The start image of before, with its mask. */
  #back() {
    const all = this.#former();
    const former = all.pop();
    if (!former) return;
    this.#steps = all;
    this.#now = NONE;
    this.use(former.initial);
    this.useMask(former.mask);
    button(this.#steps.length ? "initial-back" : "initial-edit").focus();
  }

  /**
   * Makes a file of the user's the start image.
   * @param {Blob} file
   * @param {string} name for messages
   */
  take(file, name) {
    return this.#choose(async () => ({ file, keep: () => keepStartImage(file) }), name);
  }

  /** Opens the painter on the start image. */
  async edit() {
    const { initial, mask } = this.#now;
    if (!initial) return;
    try {
      const file = await fileOf(initial);
      const painted = mask ? await startImageFile(mask) : undefined;
      const painter = await this.#thePainter();
      if (initial !== this.#now.initial) return;
      this.#painted = initial;
      await painter.open(file, painted);
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      this.#handlers.onFault(new Error(say.notAPicture(say.startImage(), message)));
    }
  }

  closeEditor() {
    this.#painter?.close();
  }

  /** Resolves when the painted mask and the extended image are there; null if they are. */
  pending() {
    return this.#painter?.pending() ?? this.#extend.pending();
  }

  /**
   * Uses the stored start image with this key; none if the key is empty.
   * @param {string} key
   */
  use(key) {
    if (key === this.#now.initial) return;
    if (!key) return this.clear();
    this.#remember();
    this.#now = { initial: key, mask: "" };
    this.show();
    const find = async () => ({ file: await fileOf(key), keep: () => key });
    // The image of before belongs to another request.
    void this.#choose(find, say.startImage(), () => this.#drop());
  }

  /** Uses the stored mask with this key; none if the key is empty. @param {string} key */
  useMask(key) {
    if (key === this.#now.mask || !this.#now.initial) return;
    this.#now = { ...this.#now, mask: key };
    this.show();
    this.#drawMask().then(() => this.show(), this.#handlers.onFault);
  }

  /** No start image; the present one can be had back. */
  clear() {
    this.#remember();
    this.#drop();
  }

  /** No start image, also none of before. */
  reset() {
    this.#steps = [];
    this.#drop();
  }

  #drop() {
    this.#choices += 1;
    this.#now = NONE;
    this.#missing = false;
    this.closeEditor();
    this.show();
  }

  focus() {
    this.#strength.focus();
  }

  /** The request in the form had a start image; the user has to choose it again. */
  miss() {
    this.#missing = !this.#now.initial;
    this.show();
  }

  /** The fields `initial`, `mask` and their settings. @returns {Record<string, string>} */
  fields() {
    const { initial, mask } = this.#now;
    const strength = this.#strength.value;
    if (this.#purpose === "edit") return initial ? { initial } : {};
    if (!initial) return this.#missing ? { strength } : {};
    return { initial, strength, ...(mask ? { mask, ...this.#fields.values() } : {}) };
  }

  /** The start images of before, as text. */
  steps() {
    return this.#steps.length ? JSON.stringify(this.#steps) : "";
  }

  /** Has the start images of before again. @param {string} text */
  useSteps(text) {
    this.#steps = readSteps(text);
    this.show();
  }
}

/** The file of a stored start image. @param {string} key */
async function fileOf(key) {
  const file = await startImageFile(key);
  if (!file) throw new Error(say.startImageGone());
  return file;
}
