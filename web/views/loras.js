// The form's LoRAs: chosen from those that this browser stores, each with its weight, and whether
// it changes the text encoder as well. Those that the site offers, or a link names by an address,
// are fetched when the user says so.

import { fastSettings } from "../request/few_steps.js";
import { readLink, readLoras, writeLink, writeLoras } from "../files/loras.js";
import { CHANNEL } from "../store/protocol.js";
import { pathOf } from "../store/addons.js";
import { findLora, hasHash, listLoras, loraFile, loraOf } from "../store/loras.js";
import { loraAt, manifestOf, offeredLora, readOffered } from "../store/offered.js";
import { text as network } from "../strings/network.js";
import { loraText } from "../strings/addons.js";
import { anyById, byId, chip, element } from "../dom.js";

/**
 * A chosen LoRA. `typed`: a weight that is no number, as the user typed it; `from`: the address
 * that a link has of it, until it is stored; `refused`: nothing could be fetched from there.
 * @typedef {import("../files/loras.js").LoraChoice & { typed?: string | undefined,
 *   from?: string, refused?: boolean }} Choice
 */
/** @typedef {import("../store/loras.js").StoredLora} StoredLora */
/** @typedef {import("../store/protocol.js").OfferedModel} OfferedModel */
/**
 * @typedef {object} Handlers
 * @property {() => void} onChange
 * @property {(settings: import("../request/few_steps.js").Settings) => void} onFast fills in the
 * settings that a LoRA for few steps needs
 * @property {(word: string) => void} onWord adds a word to the prompt
 * @property {(offered: OfferedModel) =>
 *   Promise<import("../store/protocol.js").StoredModel | null>} onGet fetches a LoRA; null where
 * that came to nothing
 * @property {() => boolean} isLocked whether the offline lock is on
 * @property {(error: unknown) => void} onFault
 */

/** What the slider reaches; the field beside it takes any weight. */
const [LEAST, MOST, STEP] = ["-1", "2", "0.05"];

/** How the ids of the built-in model's own add-ons begin. */
const BUILT_IN_ADDONS = "demo-";

/** How many digits of a hash tell files of one name apart. */
const DIGITS = 12;

/** The box of the form with the chosen LoRAs. */
export class Loras {
  #box = byId("lora-box", HTMLDetailsElement);
  #title = byId("lora-title", HTMLElement);
  #list = byId("lora-list", HTMLUListElement);
  #adding = byId("lora-add", HTMLSelectElement);
  #handlers;
  /** @type {Choice[]} */
  #chosen = [];
  /** @type {StoredLora[]} */
  #stored = [];
  /** What the site offers. @type {OfferedModel[]} */
  #offered = [];
  /** Whether `#stored` has been read. */
  #known = false;
  /** What the rows show: they are built again only where this has changed. */
  #shown = "";
  /** Counts reads of the store: an older one that ends later is ignored. */
  #reads = 0;

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#adding.addEventListener("change", () => {
      const chosen = this.#adding.value;
      const one = this.#stored.find(({ id }) => id === chosen);
      const offered = this.#offered.find((it) => manifestOf(it).id === chosen);
      if (one) this.#add(one);
      else if (offered) this.link(chosen);
    });
    this.#box.addEventListener("toggle", () => this.#box.open && void this.refresh());
    new BroadcastChannel(CHANNEL).addEventListener("message", ({ data }) => {
      if (data.changed && this.#box.open) void this.refresh();
    });
    this.#show();
  }

  /** Reads which are stored. Where storage is blocked, none is. */
  async refresh() {
    const mine = (this.#reads += 1);
    const stored = await listLoras(this.#chosen).catch(() => []);
    const offered = this.#offered.length ? this.#offered : await readOffered().catch(() => []);
    if (mine !== this.#reads) return;
    this.#stored = stored;
    this.#offered = offered;
    this.#known = true;
    for (const choice of this.#chosen) {
      const found = choice.from && findLora(stored, meant(choice));
      if (found) Object.assign(choice, loraFile(found), { from: "" });
    }
    this.#show();
    // What they teach is known now.
    if (this.#chosen.length) this.#handlers.onChange();
  }

  /** Chooses a stored LoRA, unless it is chosen already. @param {StoredLora} one */
  choose(one) {
    this.#box.parentElement?.closest("details")?.setAttribute("open", "");
    // The user has fetched by hand what the page could not.
    const waiting = this.#chosen.find((it) => it.refused && findLora([one], { ...it, hash: "" }));
    if (waiting) {
      Object.assign(waiting, loraFile(one), { from: "", refused: false });
      this.#handlers.onChange();
    }
    if (!this.#chosen.some((choice) => findLora([one], meant(choice)))) this.#add(one);
    void this.refresh();
  }

  /** Adds those of a link, a line each: NAME-or-URL[:weight]. @param {string} text */
  link(text) {
    this.#box.parentElement?.closest("details")?.setAttribute("open", "");
    const lines = text.split("\n").filter((line) => line.trim());
    this.#chosen = [...this.#chosen, ...lines.map(readLink)];
    this.#shown = "";
    this.#show();
    this.#handlers.onChange();
    void this.refresh();
  }

  /** Those of a request, as text. @param {string} text */
  use(text) {
    const linked = this.#chosen.filter(({ from }) => from);
    try {
      this.#chosen = [...readLoras(text), ...linked];
    } catch {
      // Generate says what is wrong with it.
      this.#chosen = [{ name: text, hash: "", weight: 1, textWeight: 1, typed: "?" }];
    }
    this.#shown = "";
    this.#show();
    if (this.#chosen.length) void this.refresh();
  }

  clear() {
    this.#chosen = [];
    this.#show();
  }

  /** The field `loras` of the request, if any is chosen. @returns {Record<string, string>} */
  fields() {
    const each = this.#chosen.map(({ typed, ...choice }) =>
      typed === undefined
        ? writeLoras([{ ...choice, ...meant(choice) }])
        : `${choice.name}:${typed || "?"}`,
    );
    return each.length ? { loras: each.join(", ") } : {};
  }

  /** Whether one of them may know other words than the built-in model: those made for it do not. */
  mayTeach() {
    return this.#chosen.some(
      (it) => !findLora(this.#stored, meant(it))?.id.startsWith(BUILT_IN_ADDONS),
    );
  }

  /** The fields of a link: those that only an address leads to are named by it. */
  changes() {
    const linked = this.#chosen.filter(({ from, typed }) => from && typed === undefined);
    const all = this.#chosen;
    this.#chosen = all.filter((one) => !linked.includes(one));
    const named = Object.entries(this.fields());
    this.#chosen = all;
    const links = linked.map((one) => ["lora", writeLink(one.from ?? "", one)]);
    return /** @type {[string, string][]} */ ([...named, ...links]);
  }

  /** What to correct: a weight that is no number, or a LoRA that is not stored. */
  wrong() {
    const first = (/** @type {string} */ found) => this.#list.querySelector(found);
    const wrong = first(".lora-weight[data-wrong]") ?? first("[data-absent] .lora-remove");
    return /** @type {HTMLElement} */ (wrong ?? this.#title);
  }

  #show() {
    const free = this.#stored.filter(
      (one) => !this.#chosen.some((it) => findLora([one], meant(it))),
    );
    const options = free.map((one) =>
      element("option", { value: one.id }, this.#label(one.name, one.sha256)),
    );
    const others = this.#others();
    this.#adding.replaceChildren(element("option", { value: "" }, loraText.add()), ...options);
    if (others.length)
      this.#adding.append(element("optgroup", { label: loraText.offered() }, ...others));
    this.#adding.disabled = !free.length && !others.length;
    const hint = anyById("lora-hint");
    hint.hidden = !this.#known || !!this.#stored.length;
    hint.textContent = loraText.none();
    this.#title.textContent = loraText.title(this.#chosen.length);
    if (this.#chosen.length) this.#box.open = true;
    const absent = this.#chosen.map((it) => this.#known && !findLora(this.#stored, meant(it)));
    const ways = this.#chosen.map((it) => [this.#wordsOf(it), !!this.#offerOf(it)]);
    const named = this.#chosen.map(({ name, hash }) => [name, hash]);
    const shown = JSON.stringify([named, absent, ways]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#list.hidden = !this.#chosen.length;
    this.#list.replaceChildren(...this.#chosen.map((it, i) => this.#row(it, !!absent[i])));
  }

  /** The offered LoRAs that are neither stored nor chosen, to choose. */
  #others() {
    const free = this.#offered.filter((one) => {
      const { id, kind } = manifestOf(one);
      const chosen = this.#chosen.some((choice) => this.#offerOf(choice) === one);
      return kind === "lora" && !chosen && !this.#stored.some((stored) => stored.id === id);
    });
    return free.map((one) => {
      const { id, title } = manifestOf(one);
      return element("option", { value: id }, title);
    });
  }

  /** What the site offers for a choice. @param {Choice} choice */
  #offerOf({ name, hash, from }) {
    const found = from ? undefined : offeredLora(this.#offered, name);
    const manifest = found && manifestOf(found);
    const listed = manifest?.files.find(({ path }) => path === pathOf(manifest));
    return !hash || hasHash(hash, listed?.sha256 ?? "") ? found : undefined;
  }

  /** The words that a stored one was trained on. @param {Choice} choice */
  #wordsOf(choice) {
    return findLora(this.#stored, meant(choice))?.words ?? [];
  }

  /** Fetches a chosen LoRA, and uses it. @param {Choice} choice */
  async #get(choice) {
    const { from = "" } = choice;
    if (from && !this.#mayAsk(from)) return;
    const offered = from ? await loraAt(from).catch(() => null) : this.#offerOf(choice);
    choice.refused = !offered;
    if (!offered) throw new Error(loraText.nothingAt(from));
    const model = await this.#handlers.onGet(offered);
    if (!model) return;
    Object.assign(choice, loraFile(loraOf(model)), { from: "" });
    await this.refresh();
    this.#handlers.onChange();
  }

  /** Whether the user lets the page ask another site what is there. @param {string} from */
  #mayAsk(from) {
    const { origin, host } = new URL(from, document.baseURI);
    if (origin === location.origin) return true;
    if (this.#handlers.isLocked()) throw new Error(network.lockRefuses());
    return confirm(loraText.mayAsk(host));
  }

  /** The name of a LoRA, with digits of its hash where several have the name. */
  #label(/** @type {string} */ name, /** @type {string} */ hash) {
    const all = [...this.#stored, ...this.#chosen].filter((one) => one.name === name);
    const hashes = all.map((one) => ("sha256" in one ? one.sha256 : one.hash).slice(0, DIGITS));
    const several = new Set(hashes.filter(Boolean)).size > 1;
    return several ? `${name} (${hash.slice(0, DIGITS)})` : name;
  }

  /** @param {StoredLora} one */
  #add({ name, sha256 }) {
    const hash = sha256.slice(0, DIGITS);
    this.#chosen = [...this.#chosen, { name, hash, weight: 1, textWeight: 1 }];
    this.#show();
    this.#handlers.onChange();
  }

  /** @param {Choice} choice */
  #remove(choice) {
    const place = this.#chosen.indexOf(choice);
    this.#chosen = this.#chosen.filter((one) => one !== choice);
    this.#show();
    this.#handlers.onChange();
    const rest = /** @type {NodeListOf<HTMLElement>} */ (
      this.#list.querySelectorAll(".lora-remove")
    );
    (rest[Math.min(place, rest.length - 1)] ?? this.#title).focus();
  }

  /**
   * The row of a chosen LoRA; it writes its weights into the choice.
   * @param {Choice} choice
   * @param {boolean} absent it is not stored
   */
  #row(choice, absent) {
    const name = this.#label(choice.name, choice.hash);
    const title = element("span", { className: "lora-name", title: name }, name);
    if (absent) title.append(element("span", { className: "cut" }, ` (${loraText.absent()})`));
    const remove = chip(loraText.remove(), () => this.#remove(choice));
    remove.ariaLabel = loraText.removeIt(name);
    remove.className = "lora-remove";
    const { onChange, onFast, onFault } = this.#handlers;
    const inputs = weights(name, choice, onChange);
    const item = element("li", {}, title, ...inputs, remove);
    if (absent) item.dataset["absent"] = "";
    if (absent && (choice.from || this.#offerOf(choice))) {
      const get = chip(loraText.get(), () => {
        if (get.ariaDisabled) return;
        // The focus stays on it, unlike on a button that is disabled.
        get.ariaDisabled = "true";
        const end = () => (get.ariaDisabled = null);
        this.#get(choice).catch(onFault).finally(end);
      });
      get.ariaLabel = loraText.getIt(name);
      get.className = "lora-get";
      item.append(get);
    }
    const settings = fastSettings(choice.name, choice.hash);
    if (settings) {
      const fast = chip(loraText.fast(settings), () => onFast(settings));
      fast.className = "lora-fast";
      item.append(fast);
    }
    const words = this.#wordsOf(choice);
    if (words.length) item.append(this.#words(words, name));
    return item;
  }

  /** The words of a LoRA, each a button. @param {string[]} words @param {string} name */
  #words(words, name) {
    const chips = words.map((word) => {
      const add = chip(word, () => this.#handlers.onWord(word));
      add.ariaLabel = loraText.addWord(word, name);
      return add;
    });
    return element("span", { className: "lora-words" }, loraText.words(), ...chips);
  }
}

/**
 * By what a choice is found: one of a link by its address alone, since others may have its name.
 * @param {Choice} choice
 */
const meant = ({ name, hash, from }) => (from ? { name: from, hash: "" } : { name, hash });

/**
 * The slider and the field of a weight, which show the same; and whether the text encoder is
 * changed, by the same weight or by one of its own.
 * @param {string} name
 * @param {Choice} choice
 * @param {() => void} onChange
 */
function weights(name, choice, onChange) {
  const own = choice.textWeight !== choice.weight && choice.textWeight !== 0;
  const separate = choice.textWeight;
  const slider = element("input", { type: "range", min: LEAST, max: MOST, step: STEP });
  const field = element("input", { inputMode: "decimal", className: "lora-weight" });
  Object.assign(field.dataset, { step: STEP, min: "-10" });
  slider.ariaLabel = loraText.slider(name);
  field.ariaLabel = loraText.weight(name);
  const check = element("input", {
    type: "checkbox",
    checked: choice.textWeight !== 0 || choice.weight === 0,
    ariaLabel: loraText.textEncoderOf(name),
  });
  const encoder = () => {
    choice.textWeight = !check.checked ? 0 : own ? separate : choice.weight;
    onChange();
  };
  for (const input of [slider, field]) {
    input.value = choice.typed ?? String(choice.weight);
    input.addEventListener("input", () => {
      const weight = Number(input.value.trim().replace(",", ".") || "NaN");
      const wrong = !Number.isFinite(weight);
      choice.typed = wrong ? input.value.trim() : undefined;
      field.toggleAttribute("data-wrong", wrong);
      field.setAttribute("aria-invalid", String(wrong));
      if (wrong) return void onChange();
      (input === slider ? field : slider).value = String(weight);
      choice.weight = weight;
      encoder();
    });
  }
  field.toggleAttribute("data-wrong", choice.typed !== undefined);
  check.addEventListener("change", encoder);
  const label = element("label", { className: "check" }, check, loraText.textEncoder());
  if (own) label.append(` (${separate})`);
  return [slider, field, label];
}
