// The form's ControlNets and T2I-Adapters: what is chosen. The part of the form that shows them
// (control/panel.js) is loaded when it is opened, or when there is one.

import { readControls, writeControls } from "../files/control_choices.js";
import { addonText } from "../strings/addons.js";
import { byId } from "../dom.js";

/** @typedef {import("../files/control_choices.js").ControlChoice} ControlChoice */
/** @typedef {import("../control/panel.js").Panel} Panel */

/** @typedef {(file: Blob | null) => Promise<void>} OnDrawn null: nothing is drawn */

/**
 * @typedef {object} Handlers
 * @property {() => void} onChange
 * @property {import("./loras.js").Handlers["onGet"]} onGet fetches a file that the site offers
 * @property {() => Promise<Blob | null>} startFile the start image, if there is one
 * @property {(image: Blob, drawn: Blob | undefined, onDrawn: OnDrawn) => Promise<void>} draw opens
 * the painter for a drawing over a black image
 * @property {(error: unknown) => void} onFault
 */

export class ControlSlot {
  #handlers;
  #box = byId("control-box", HTMLDetailsElement);
  #title = byId("control-title", HTMLElement);
  /** @type {ControlChoice[]} */
  #chosen = [];
  /** @type {Panel | null} */
  #panel = null;
  /** @type {Promise<Panel> | null} */
  #loading = null;

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#box.addEventListener("toggle", () => this.#box.open && void this.#load());
    this.#show();
  }

  /** The part of the form, made at its first use; after a failure the next call tries again. */
  #load() {
    this.#loading ??= import("../control/panel.js").then(
      ({ Panel }) =>
        (this.#panel = new Panel({
          ...this.#handlers,
          chosen: () => this.#chosen,
          onChosen: (chosen) => {
            this.#chosen = chosen;
            this.#show();
            this.#handlers.onChange();
          },
        })),
    );
    this.#loading.catch((error) => {
      this.#loading = null;
      this.#handlers.onFault(error);
    });
    return this.#loading;
  }

  #show() {
    this.#title.textContent = addonText.controls(this.#chosen.length);
    if (this.#chosen.length) this.#box.open = true;
    if (this.#chosen.length && !this.#panel) void this.#load().catch(() => {});
  }

  /** @param {ControlChoice[]} chosen */
  #set(chosen) {
    this.#chosen = chosen;
    this.#show();
    this.#panel?.show();
  }

  /** Those of a request, as text. @param {string} text */
  use(text) {
    if (text !== writeControls(this.#chosen)) this.#set(readControls(text));
  }

  clear() {
    if (this.#chosen.length) this.#set([]);
  }

  /** The field `controls`, if there is one. @returns {Record<string, string>} */
  fields() {
    return this.#chosen.length ? { controls: writeControls(this.#chosen) } : {};
  }

  /** Shows its part of the form, and what it needs. */
  async #open() {
    this.#box.parentElement?.closest("details")?.setAttribute("open", "");
    this.#box.open = true;
    return this.#load();
  }

  /** Chooses a stored one. @param {import("../store/protocol.js").StoredModel} model */
  async choose(model) {
    (await this.#open()).choose(model);
  }

  /**
   * Makes a file the picture of a control: of the one that was dropped on or has the focus, of the
   * first without a picture, or of a new one.
   * @param {Blob} file
   * @param {Element | null} [at]
   */
  async take(file, at = null) {
    await (await this.#open()).take(file, at);
  }

  /** Resolves when a picture that was chosen is stored; null if there is none. */
  pending() {
    return this.#panel?.pending() ?? null;
  }

  /** What to correct. */
  wrong() {
    return this.#panel?.wrong() ?? this.#title;
  }
}
