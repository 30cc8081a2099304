// The form's part for ControlNets and T2I-Adapters: a group for each, with its model, its picture
// and its settings. Loaded when it is opened, or when a request has one.

import { keepStartImage, startImageFile } from "../storage/start_images.js";
import { CHANNEL } from "../store/protocol.js";
import {
  findNetwork,
  listNetworks,
  networkFile,
  networkOf,
  offeredNetworks,
} from "../store/networks.js";
import { readOffered } from "../store/offered.js";
import { controlText } from "../strings/control.js";
import { offerUndo } from "../views/undo.js";
import { anyById, chip, element, withText } from "../dom.js";
import { PLAIN } from "../files/control_choices.js";
import { blackImage, drawSmall, nextSize } from "./picture.js";
import { createUnit } from "./unit.js";

/** @typedef {import("../files/control_choices.js").ControlChoice} ControlChoice */
/** @typedef {import("../store/networks.js").Network} Network */
/** @typedef {ReturnType<typeof createUnit>} Unit */

/**
 * @typedef {import("../views/control_slot.js").Handlers & {
 *   chosen: () => ControlChoice[],
 *   onChosen: (chosen: ControlChoice[]) => void,
 * }} Handlers
 */

export class Panel {
  #handlers;
  #box = anyById("control-panel");
  #list = element("ol", { className: "control-list" });
  #hint = element("p", { className: "hint", hidden: true });
  #add;
  /** @type {Network[]} */
  #stored = [];
  /** @type {ReturnType<typeof offeredNetworks>} */
  #offered = [];
  /** Whether `#stored` has been read. */
  #known = false;
  /** @type {Unit[]} */
  #units = [];
  /** What the groups show beside what is typed in them. */
  #shown = "";
  /** Counts reads of the store: an older one that ends later is ignored. */
  #reads = 0;
  /** Pictures on their way to the storage. @type {Promise<void> | null} */
  #taking = null;

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#add = chip(controlText.add(), () => {
      this.#set([...handlers.chosen(), { ...PLAIN, ...this.#only() }]);
      this.#units.at(-1)?.focus();
    });
    this.#add.className = "control-add";
    this.#hint.textContent = controlText.none();
    const about = withText("p", controlText.about());
    about.className = "hint";
    this.#box.replaceChildren(about, this.#list, this.#hint, this.#add);
    new BroadcastChannel(CHANNEL).addEventListener("message", ({ data }) => {
      if (data.changed) void this.refresh();
    });
    this.show();
    void this.refresh();
  }

  /** The only stored one, for a new control. */
  #only() {
    const [one, another] = this.#stored;
    return one && !another ? networkFile(one) : {};
  }

  /** Reads which are stored and offered. Where storage is blocked, none is. */
  async refresh() {
    const mine = (this.#reads += 1);
    const stored = await listNetworks("control").catch(() => []);
    const offered = await readOffered().catch(() => []);
    if (mine !== this.#reads) return;
    this.#stored = stored;
    this.#offered = offeredNetworks(offered, "control");
    this.#known = true;
    this.#shown = "";
    this.show();
  }

  /** @param {ControlChoice[]} chosen */
  #set(chosen) {
    this.#handlers.onChosen(chosen);
    this.show();
  }

  /**
   * What stays the same of a choice while its settings change and others are removed before it.
   * @type {WeakMap<ControlChoice, symbol>}
   */
  #keys = new WeakMap();

  /** @param {ControlChoice} choice */
  #keyOf(choice) {
    const key = this.#keys.get(choice) ?? Symbol();
    this.#keys.set(choice, key);
    return key;
  }

  /** The one with this key, if it is still chosen. @param {symbol} key */
  #find(key) {
    return this.#handlers.chosen().find((choice) => this.#keyOf(choice) === key);
  }

  /**
   * Changes one, if it is still chosen.
   * @param {symbol} key
   * @param {Partial<ControlChoice>} change
   */
  #change(key, change) {
    const one = this.#find(key);
    if (!one) return;
    const next = { ...one, ...change };
    this.#keys.set(next, key);
    this.#set(this.#handlers.chosen().map((choice) => (choice === one ? next : choice)));
  }

  /** Shows what is chosen. Groups whose typed fields alone have changed stay as they are. */
  show() {
    const chosen = this.#handlers.chosen();
    this.#hint.hidden = !this.#known || this.#stored.length + this.#offered.length > 0;
    const fixed = chosen.map(({ name, hash, image, drawn }) => [name, hash, image, drawn]);
    const shown = JSON.stringify([fixed, this.#stored.map(({ id }) => id), this.#known]);
    const typed = chosen.every((choice, at) => this.#units[at]?.shows(choice));
    if (shown === this.#shown && typed && this.#units.length === chosen.length) return;
    const focused = document.activeElement?.id ?? "";
    this.#shown = shown;
    this.#units = chosen.map((choice, at) => this.#unit(choice, at));
    this.#list.replaceChildren(...this.#units.map(({ item }) => item));
    this.#list.hidden = !chosen.length;
    if (focused && !document.activeElement?.id) document.getElementById(focused)?.focus();
  }

  /** @param {ControlChoice} choice @param {number} at */
  #unit(choice, at) {
    const { startFile, onFault } = this.#handlers;
    const found = findNetwork(this.#stored, choice);
    const offer = findNetwork(this.#offered, choice);
    const key = this.#keyOf(choice);
    const free = this.#offered.filter(({ id }) => !this.#stored.some((one) => one.id === id));
    const unit = createUnit(choice, at, {
      networks: { stored: this.#stored, offered: free, found },
      absent: this.#known && !!choice.name && !found,
      onChange: (change) => this.#change(key, change),
      onRemove: () => this.#remove(at),
      onPicture: (file) => void this.#take(key, file).catch(onFault),
      onStart: async () => {
        const file = await startFile();
        if (!file) throw new Error(controlText.noStart());
        await this.#take(key, file);
      },
      onDraw: () => this.#draw(key),
      onFault,
      ...(offer && this.#known && choice.name && !found
        ? { onGet: () => this.#get(key, offer) }
        : {}),
    });
    void drawSmall(unit.canvas, choice.image).then(unit.showPicture, () => unit.showPicture(null));
    return unit;
  }

  /** Opens the painter for one: on its own drawing, or on a black picture. @param {symbol} key */
  async #draw(key) {
    const { drawn = false, image = "" } = this.#find(key) ?? {};
    const file = drawn && image ? await startImageFile(image) : undefined;
    const size = file ? await drawSmall(null, file) : null;
    const before = drawn ? "" : image;
    await this.#handlers.draw(await blackImage(size ?? nextSize()), file, async (made) => {
      const replaces = !!before && this.#find(key)?.image === before;
      if (made) await this.#take(key, made, true);
      else this.#change(key, { image: "", drawn: false });
      if (!replaces) return;
      const back = () => this.#change(key, { image: before, drawn: false });
      offerUndo(controlText.replaced(), back);
    });
  }

  /**
   * Makes a file the picture of one.
   * @param {symbol} key
   * @param {Blob} file
   * @param {boolean} [drawn] whether it was drawn here
   */
  #take(key, file, drawn = false) {
    const mine = this.#keep(key, file, drawn).finally(() => {
      if (mine === this.#taking) this.#taking = null;
    });
    return (this.#taking = mine);
  }

  /** @param {symbol} key @param {Blob} file @param {boolean} drawn */
  async #keep(key, file, drawn) {
    try {
      await drawSmall(null, file);
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      throw new Error(controlText.notAPicture(message), { cause: error });
    }
    this.#change(key, { image: await keepStartImage(file), drawn });
  }

  /** Fetches one that the site offers. @param {symbol} key @param {{ offered: any }} offer */
  async #get(key, { offered }) {
    const model = await this.#handlers.onGet(offered);
    if (!model) return;
    this.#change(key, networkFile(networkOf(model)));
    await this.refresh();
  }

  /** @param {number} at */
  #remove(at) {
    this.#set(this.#handlers.chosen().filter((_, i) => i !== at));
    const next = this.#units[Math.min(at, this.#units.length - 1)];
    if (next) next.focus();
    else this.#add.focus();
  }

  /**
   * Chooses a stored one: for the first control without a model, or for a new one.
   * @param {import("../store/protocol.js").StoredModel} model
   */
  choose(model) {
    const file = networkFile(networkOf(model));
    const all = this.#handlers.chosen();
    const at = all.findIndex(({ name }) => !name || name === file.name);
    const one = all[at];
    if (one) this.#change(this.#keyOf(one), file);
    else this.#set([...all, { ...PLAIN, ...file }]);
    void this.refresh();
  }

  /** As of the slot. @param {Blob} file @param {Element | null} at */
  async take(file, at) {
    const all = this.#handlers.chosen();
    const meant = this.#units.findIndex(({ item }) => at && item.contains(at));
    const empty = all.findIndex(({ image }) => !image);
    const place = meant >= 0 ? meant : empty >= 0 ? empty : all.length;
    if (place === all.length) this.#set([...all, { ...PLAIN, ...this.#only() }]);
    const one = this.#handlers.chosen()[place];
    if (!one) return;
    const key = this.#keyOf(one);
    await this.#take(key, file);
    const now = this.#handlers.chosen().findIndex((choice) => this.#keyOf(choice) === key);
    this.#units[now]?.focus();
  }

  pending() {
    return this.#taking;
  }

  /** What to correct first. */
  wrong() {
    const all = this.#handlers.chosen();
    const at = all.findIndex((choice) => !choice.image || !findNetwork(this.#stored, choice));
    const unit = this.#units[at] ?? this.#units.find((one) => one.wrong());
    return unit?.wrong() ?? unit?.first ?? this.#add;
  }
}
