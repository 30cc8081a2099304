// The form's start image: chosen, dropped or pasted, shown small with its mask in red, painted,
// extended, removed; and the strength, which says how far the next image may differ from it. The
// start images before it, with their masks, can be had back.

import { UNSAVED, maskFile, pngOf } from "../edit/files.js";
import { pixelsOf } from "../files/pixels.js";
import { remembered } from "../storage/settings.js";
import { keepStartImage, startImageFile } from "../storage/start_images.js";
import { say } from "../strings.js";
import { editText } from "../strings/edit.js";
import { anyById, button, byId, onPress, setText } from "../dom.js";
import { Editor } from "./editor.js";
import { createExtend } from "./extend.js";
import { FormerStarts, same } from "./former_starts.js";
import { createMaskFields } from "./mask_fields.js";
import { createSmall } from "./small_start.js";
import { fileOf } from "./start_file.js";

/** @typedef {import("../request/draft.js").Start} Start */
/** @typedef {import("../engine/protocol.js").Description} Description */
/** @typedef {import("../engine/protocol.js").Extended} Extended */

/** @type {Start} */
const NONE = { initial: "", mask: "" };

/**
 * How to get a start image: its file, how to store it, which gives its key, and the key of its
 * mask; without that, the start image that is present keeps its mask, and another one has none.
 * @typedef {{ file: Blob, keep: () => string | Promise<string>, mask?: string }} Found
 */

/**
 * @typedef {object} Handlers
 * @property {() => void} onChange
 * @property {(file: Blob) => void} onEnlarge
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
  #editor;
  #extend;
  #now = NONE;
  #steps = new FormerStarts();
  /** Whether the request in the form had a start image that is not stored here. */
  #missing = false;
  /** What the open model is for. @type {NonNullable<Description["purpose"]>} */
  #purpose = "generate";
  /** Counts choices: when an older choice ends after a later one, its result is ignored. */
  #choices = 0;
  /** The latest choice, if it has not ended. @type {Promise<boolean> | null} */
  #choosing = null;
  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
    const { onChange, onEditor, outpaint, onFault } = handlers;
    const onMask = (/** @type {Blob | null} */ file, /** @type {string} */ key) =>
      this.#takeMask(file, key);
    this.#editor = new Editor({ onMask, onEditor, onFault });
    this.#fields = createMaskFields(onChange);
    this.#extend = createExtend({
      outpaint,
      find: async () => {
        const { initial } = this.#now;
        return { pixels: await pixelsOf(await fileOf(initial)), key: initial };
      },
      onExtended: (extended, key) => this.#takeExtended(extended, key),
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
    onPress("initial-enlarge", () => {
      this.file().then((file) => file && this.#handlers.onEnlarge(file), this.#handlers.onFault);
    });
    onPress("initial-back", () => void this.#back().catch(this.#handlers.onFault));
    onPress("mask-discard", () => {
      void this.#discard().catch(this.#handlers.onFault);
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
    setText(hint, this.#missing ? say.startImageMissing() : "");
    button("initial-edit").textContent = editText.paint(!!mask);
    button("mask-discard").hidden = !mask;
    // A model that edits by instructions has neither a strength nor a mask.
    const edits = this.#purpose === "edit";
    for (const id of ["strength-field", "initial-edit", "extend"]) anyById(id).hidden = edits;
    button("mask-discard").hidden ||= edits;
    setText(anyById("purpose-hint"), editText.purpose(this.#purpose, !!initial, !!mask));
    const count = this.#steps.before(this.#now).length;
    anyById("initial-steps").hidden = !count;
    button("initial-back").textContent = editText.back(count);
    this.#fields.show(!!mask && !edits);
    this.#extend.show(initial);
  }

  /** Adapts the form to a model. @param {Description} description */
  describe({ purpose = "generate" }) {
    this.#purpose = purpose;
    this.show();
  }

  /**
   * Makes a file the start image.
   * @param {() => Promise<Found>} find
   * @param {string} name for messages
   * @param {() => void} [undo] if it cannot be one; without it the image of before stays
   * @returns {Promise<boolean>} whether it is the start image now
   */
  #choose(find, name, undo) {
    const choosing = this.#tryToChoose(find, name, undo).finally(() => {
      if (choosing === this.#choosing) this.#choosing = null;
    });
    return (this.#choosing = choosing);
  }

  /**
   * As `#choose`.
   * @param {() => Promise<Found>} find
   * @param {string} name
   * @param {() => void} [undo]
   */
  async #tryToChoose(find, name, undo) {
    const mine = ++this.#choices;
    try {
      const { file, keep, mask } = await find();
      // A file that cannot be decoded is not stored.
      const paint = await this.#small.read(file);
      const initial = await keep();
      if (mine !== this.#choices) return false;
      paint();
      const kept = initial === this.#now.initial ? this.#now.mask : "";
      const next = { initial, mask: mask ?? kept };
      if (!same(next, this.#now)) {
        this.closeEditor();
        this.#steps.add(this.#now);
        this.#now = next;
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

  /**
   * The mask of a start image has changed.
   * @param {Blob | null} file
   * @param {string} initial its key
   */
  async #takeMask(file, initial) {
    const next = { initial, mask: file ? await keepStartImage(file) : "" };
    if (initial === this.#now.initial) {
      this.#now = next;
      await this.#drawMask();
    } else if (!this.#steps.mask(next)) return;
    this.show();
    this.#handlers.onChange();
  }

  async #discard() {
    // A mask that is still on its way would come back.
    await this.#editor.pending();
    this.#editor.forget();
    this.#steps.add(this.#now);
    await this.#takeMask(null, this.#now.initial);
  }

  /**
   * @param {Extended} extended
   * @param {string} key of the image that was extended
   * @returns {Promise<boolean>} whether it is the start image now
   */
  async #takeExtended({ initial, mask }, key) {
    const [file, maskFile] = await Promise.all([pngOf(initial), pngOf(mask)]);
    const found = { file, keep: () => keepStartImage(file), mask: await keepStartImage(maskFile) };
    if (key !== this.#now.initial || this.#editor.isOpen()) return false;
    const chosen = await this.#choose(async () => found, say.startImage());
    if (chosen) this.#handlers.onSize(initial.width, initial.height);
    return chosen;
  }

  /** The start image of before, with its mask. */
  async #back() {
    await this.#editor.pending();
    const present = this.#now;
    const former = this.#steps.before(present).at(-1);
    if (!former) return;
    const { initial, mask } = former;
    const find = async () => ({ file: await fileOf(initial), keep: () => initial, mask });
    const forget = () => {
      this.#steps.forget(former);
      this.show();
    };
    if (!(await this.#choose(find, say.startImage(), forget))) return;
    this.#steps.turn(former, present);
    this.show();
    this.#handlers.onChange();
    button(this.#steps.before(this.#now).length ? "initial-back" : "initial-edit").focus();
  }

  /**
   * Makes a file of the user's the start image.
   * @param {Blob} file
   * @param {string} name for messages
   */
  take(file, name) {
    return this.#choose(async () => ({ file, keep: () => keepStartImage(file) }), name);
  }

  /** Opens the painter on the start image, with a model that makes use of a mask. */
  async edit() {
    if (!this.#now.initial) return;
    if (this.#purpose === "edit") return this.focus();
    // The start image and the mask that are on their way are what is painted on.
    const find = async () => {
      const { initial: key, mask } = this.#now;
      if (!key) return null;
      return { key, image: await fileOf(key), mask: mask ? await startImageFile(mask) : undefined };
    };
    const isWanted = (/** @type {string} */ key) => key === this.#now.initial;
    try {
      await this.#editor.open(() => this.#choosing, find, isWanted);
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      this.#handlers.onFault(new Error(say.notAPicture(say.startImage(), message)));
    }
  }

  /** Opens the painter for a drawing. @type {Editor["draw"]} */
  draw(image, drawn, onDrawn) {
    return this.#editor.draw(image, drawn, onDrawn);
  }

  /** After a reload: the mask that was painted in the last moment before it. */
  async recover() {
    if (remembered(UNSAVED) === null) return;
    const { forgetUnsaved, readUnsaved } = await import("../edit/unsaved.js");
    const { key, mask } = readUnsaved() ?? {};
    await this.#choosing;
    if (mask && key === this.#now.initial)
      await this.#takeMask(mask.bytes.some((value) => value) ? await maskFile(mask) : null, key);
    forgetUnsaved();
  }

  /** The file of the start image; null if there is none. */
  async file() {
    const { initial } = this.#now;
    return initial ? fileOf(initial) : null;
  }

  isThere = () => !!this.#now.initial;

  closeEditor() {
    this.#editor.close();
  }

  /** Resolves when the painted mask and the extended image are there; null if they are. */
  pending() {
    return this.#editor.pending() ?? this.#extend.pending();
  }

  /**
   * Uses the stored start image with this key; none if the key is empty.
   * @param {string} key
   */
  use(key) {
    if (key === this.#now.initial) return;
    if (!key) return this.clear();
    this.closeEditor();
    this.#steps.add(this.#now);
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
    this.#steps.add(this.#now);
    this.#drop();
  }

  /** No start image, also none of before. */
  reset() {
    this.#steps.clear();
    this.#drop();
  }

  #drop() {
    this.#choices += 1;
    this.#now = NONE;
    this.#missing = false;
    this.closeEditor();
    this.show();
  }

  /** Puts the focus where the next image is told from this one. */
  focus() {
    // A model that edits by instructions has no strength.
    if (this.#purpose === "edit") byId("prompt", HTMLTextAreaElement).focus();
    else this.#strength.focus();
  }

  /** The request in the form had a start image; the user has to choose it again. */
  miss() {
    this.#missing = !this.#now.initial;
    this.show();
  }

  /**
   * The fields `initial`, `mask` and their settings that the open model makes use of.
   * @returns {Record<string, string>}
   */
  fields() {
    const { initial } = this.#now;
    if (this.#purpose === "edit") return initial ? { initial } : {};
    return this.allFields();
  }

  /** The fields `initial`, `mask` and their settings. @returns {Record<string, string>} */
  allFields() {
    const { initial, mask } = this.#now;
    const strength = this.#strength.value;
    if (!initial) return this.#missing ? { strength } : {};
    return { initial, strength, ...(mask ? { mask, ...this.#fields.values() } : {}) };
  }

  /** The start images of before, as text. */
  steps() {
    return this.#steps.text();
  }

  /** Has the start images of before again. @param {string} text */
  useSteps(text) {
    this.#steps.read(text);
    this.show();
  }
}
