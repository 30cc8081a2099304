// The form's LoRAs: chosen from those that this browser stores, each with its weight, and whether
// it changes the text encoder as well.

import { fastSettings } from "../request/few_steps.js";
import { readLoras, writeLoras } from "../files/loras.js";
import { CHANNEL } from "../store/protocol.js";
import { findLora, listLoras } from "../store/loras.js";
import { loraText } from "../strings/addons.js";
import { anyById, byId, chip, element } from "../dom.js";

/** @typedef {import("../files/loras.js").LoraChoice} LoraChoice */
/** @typedef {import("../store/loras.js").StoredLora} StoredLora */
/** @typedef {(settings: import("../request/few_steps.js").Settings) => void} OnFast */

/** What the slider reaches; the field beside it takes any weight. */
const [LEAST, MOST, STEP] = ["-1", "2", "0.05"];

/**
 * @param {() => void} onChange
 * @param {OnFast} onFast fills in the settings that a LoRA for few steps needs
 */
export function createLoras(onChange, onFast) {
  const box = byId("lora-box", HTMLDetailsElement);
  const list = byId("lora-list", HTMLUListElement);
  const adding = byId("lora-add", HTMLSelectElement);
  const hint = anyById("lora-hint");
  /** @type {LoraChoice[]} */
  let chosen = [];
  /** @type {StoredLora[]} */
  let stored = [];
  /** Whether `stored` has been read. */
  let known = false;

  const changed = () => {
    show();
    onChange();
  };

  function show() {
    list.hidden = !chosen.length;
    list.replaceChildren(
      ...chosen.map((choice) => {
        const absent = known && !findLora(stored, choice);
        return row(choice, absent, { onChange, onRemove: () => remove(choice), onFast });
      }),
    );
    const free = stored.filter((one) => !chosen.some((choice) => findLora([one], choice)));
    const options = free.map(({ id, name }) => element("option", { value: id }, name));
    adding.replaceChildren(element("option", { value: "" }, loraText.add()), ...options);
    adding.disabled = !free.length;
    hint.hidden = !known || !!stored.length;
    hint.textContent = loraText.none();
    if (chosen.length) box.open = true;
  }

  /** Reads which are stored. Where storage is blocked, none is. */
  async function refresh() {
    stored = await listLoras().catch(() => []);
    known = true;
    show();
  }

  /** @param {LoraChoice} choice */
  function remove(choice) {
    chosen = chosen.filter((one) => one !== choice);
    changed();
    adding.focus();
  }

  /** @param {StoredLora} one */
  function add({ name, sha256 }) {
    chosen = [...chosen, { name, hash: sha256.slice(0, 12), weight: 1, textWeight: 1 }];
    changed();
  }

  adding.addEventListener("change", () => {
    const one = stored.find(({ id }) => id === adding.value);
    if (one) add(one);
  });
  box.addEventListener("toggle", () => box.open && void refresh());
  new BroadcastChannel(CHANNEL).addEventListener("message", ({ data }) => {
    if (data.changed && box.open) void refresh();
  });
  show();

  return {
    refresh,

    /** Chooses a stored LoRA, unless it is chosen already. @param {StoredLora} one */
    choose(one) {
      box.parentElement?.closest("details")?.setAttribute("open", "");
      if (!chosen.some((choice) => findLora([one], choice))) add(one);
      void refresh();
    },

    /** Those of a request, as text; a text that is none is left out. @param {string} text */
    use(text) {
      try {
        chosen = readLoras(text);
      } catch {
        chosen = [];
      }
      show();
      if (chosen.length) void refresh();
    },

    clear() {
      chosen = [];
      show();
    },

    /** The field `loras` of the request, if any is chosen. @returns {Record<string, string>} */
    fields: () => (chosen.length ? { loras: writeLoras(chosen) } : {}),
  };
}

/**
 * The row of a chosen LoRA; it writes its weights into the choice.
 * @param {LoraChoice} choice
 * @param {boolean} absent it is not stored
 * @param {{ onChange: () => void, onRemove: () => void, onFast: OnFast }} handlers
 */
function row(choice, absent, { onChange, onRemove, onFast }) {
  const { name } = choice;
  const title = element("span", { className: "lora-name", title: name }, name);
  if (absent) title.append(element("span", { className: "cut" }, ` (${loraText.absent()})`));
  const remove = chip(loraText.remove(), onRemove);
  remove.ariaLabel = loraText.removeIt(name);
  remove.className = "lora-remove";
  const inputs = [...weights(choice, onChange), encoder(choice, onChange)];
  const item = element("li", {}, title, ...inputs, remove);
  const settings = fastSettings(name);
  if (settings) {
    const fast = chip(loraText.fast(settings), () => onFast(settings));
    fast.className = "lora-fast";
    item.append(fast);
  }
  return item;
}

/**
 * The slider and the field of a weight, which show the same.
 * @param {LoraChoice} choice
 * @param {() => void} onChange
 */
function weights(choice, onChange) {
  const slider = element("input", { type: "range", min: LEAST, max: MOST, step: STEP });
  const field = element("input", { inputMode: "decimal", className: "lora-weight" });
  Object.assign(field.dataset, { step: STEP, min: "-10" });
  for (const input of [slider, field]) {
    input.value = String(choice.weight);
    input.ariaLabel = loraText.weight(choice.name);
    input.addEventListener("input", () => {
      const weight = Number(input.value.trim().replace(",", ".") || "NaN");
      const wrong = !Number.isFinite(weight);
      field.setAttribute("aria-invalid", String(wrong));
      if (wrong) return;
      (input === slider ? field : slider).value = String(weight);
      // A text encoder that is left as it is stays so.
      choice.textWeight = choice.textWeight === 0 && choice.weight !== 0 ? 0 : weight;
      choice.weight = weight;
      onChange();
    });
  }
  return [slider, field];
}

/**
 * @param {LoraChoice} choice
 * @param {() => void} onChange
 */
function encoder(choice, onChange) {
  const input = element("input", {
    type: "checkbox",
    checked: choice.textWeight !== 0 || choice.weight === 0,
    ariaLabel: loraText.textEncoderOf(choice.name),
  });
  input.addEventListener("change", () => {
    choice.textWeight = input.checked ? choice.weight : 0;
    onChange();
  });
  return element("label", { className: "check" }, input, loraText.textEncoder());
}
