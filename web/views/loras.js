// The form's LoRAs: chosen from those that this browser stores, each with its weight, and whether
// it changes the text encoder as well.

import { fastSettings } from "../request/few_steps.js";
import { readLoras, writeLoras } from "../files/loras.js";
import { CHANNEL } from "../store/protocol.js";
import { findLora, listLoras } from "../store/loras.js";
import { loraText } from "../strings/addons.js";
import { anyById, byId, chip, element } from "../dom.js";

/**
 * A chosen LoRA. `typed`: a weight that is no number, as the user typed it.
 * @typedef {import("../files/loras.js").LoraChoice & { typed?: string | undefined }} Choice
 */
/** @typedef {import("../store/loras.js").StoredLora} StoredLora */
/** @typedef {(settings: import("../request/few_steps.js").Settings) => void} OnFast */

/** What the slider reaches; the field beside it takes any weight. */
const [LEAST, MOST, STEP] = ["-1", "2", "0.05"];

/** How many digits of a hash tell files of one name apart. */
const DIGITS = 12;

/** The box of the form with the chosen LoRAs. */
export class Loras {
  #box = byId("lora-box", HTMLDetailsElement);
  #title = byId("lora-title", HTMLElement);
  #list = byId("lora-list", HTMLUListElement);
  #adding = byId("lora-add", HTMLSelectElement);
  #onChange;
  #onFast;
  /** @type {Choice[]} */
  #chosen = [];
  /** @type {StoredLora[]} */
  #stored = [];
  /** Whether `#stored` has been read. */
  #known = false;
  /** What the rows show: they are built again only where this has changed. */
  #shown = "";
  /** Counts reads of the store: an older one that ends later is ignored. */
  #reads = 0;

  /**
   * @param {() => void} onChange
   * @param {OnFast} onFast fills in the settings that a LoRA for few steps needs
   */
  constructor(onChange, onFast) {
    this.#onChange = onChange;
    this.#onFast = onFast;
    this.#adding.addEventListener("change", () => {
      const one = this.#stored.find(({ id }) => id === this.#adding.value);
      if (one) this.#add(one);
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
    const stored = await listLoras().catch(() => []);
    if (mine !== this.#reads) return;
    this.#stored = stored;
    this.#known = true;
    this.#show();
  }

  /** Chooses a stored LoRA, unless it is chosen already. @param {StoredLora} one */
  choose(one) {
    this.#box.parentElement?.closest("details")?.setAttribute("open", "");
    if (!this.#chosen.some((choice) => findLora([one], choice))) this.#add(one);
    void this.refresh();
  }

  /** Those of a request, as text. @param {string} text */
  use(text) {
    try {
      this.#chosen = readLoras(text);
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
      typed === undefined ? writeLoras([choice]) : `${choice.name}:${typed || "?"}`,
    );
    return each.length ? { loras: each.join(", ") } : {};
  }

  /** What to correct: a weight that is no number, or a LoRA that is not stored. */
  wrong() {
    const first = (/** @type {string} */ found) => this.#list.querySelector(found);
    const wrong = first(".lora-weight[data-wrong]") ?? first("[data-absent] .lora-remove");
    return /** @type {HTMLElement} */ (wrong ?? this.#title);
  }

  #show() {
    const free = this.#stored.filter((one) => !this.#chosen.some((it) => findLora([one], it)));
    const options = free.map((one) =>
      element("option", { value: one.id }, this.#label(one.name, one.sha256)),
    );
    this.#adding.replaceChildren(element("option", { value: "" }, loraText.add()), ...options);
    this.#adding.disabled = !free.length;
    const hint = anyById("lora-hint");
    hint.hidden = !this.#known || !!this.#stored.length;
    hint.textContent = loraText.none();
    this.#title.textContent = loraText.title(this.#chosen.length);
    if (this.#chosen.length) this.#box.open = true;
    const absent = this.#chosen.map((it) => this.#known && !findLora(this.#stored, it));
    const shown = JSON.stringify([this.#chosen.map(({ name, hash }) => [name, hash]), absent]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#list.hidden = !this.#chosen.length;
    this.#list.replaceChildren(...this.#chosen.map((it, i) => this.#row(it, !!absent[i])));
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
    this.#onChange();
  }

  /** @param {Choice} choice */
  #remove(choice) {
    const place = this.#chosen.indexOf(choice);
    this.#chosen = this.#chosen.filter((one) => one !== choice);
    this.#show();
    this.#onChange();
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
    const inputs = weights(name, choice, this.#onChange);
    const item = element("li", {}, title, ...inputs, remove);
    if (absent) item.dataset["absent"] = "";
    const settings = fastSettings(choice.name);
    if (settings) {
      const fast = chip(loraText.fast(settings), () => this.#onFast(settings));
      fast.className = "lora-fast";
      item.append(fast);
    }
    return item;
  }
}

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
