// The list of pins in the view "Privacy": hashes of first downloads, by model. The user can remove
// each of them.

import { text } from "../strings/network.js";
import { anyById, byId, element, withText } from "../dom.js";

/** @typedef {import("../store/protocol.js").Pin} Pin */
/** @typedef {import("../store/client.js").Store} Store */

/** @param {() => Store} store is called only when the list is opened */
export function createPins(store) {
  const box = byId("pins-box", HTMLDetailsElement);
  const place = anyById("pins");
  const status = anyById("pins-status");

  async function show() {
    if (!box.open) return;
    try {
      const pins = await store().pins();
      const groups = [...byModel(pins)].map(([model, files]) => group(model, files));
      place.replaceChildren(...(groups.length ? groups : [withText("p", text.noPins())]));
    } catch (error) {
      place.replaceChildren();
      status.textContent = text.pinsUnread(/** @type {Error} */ (error).message);
    }
  }

  /**
   * A model's pins.
   * @param {string} model
   * @param {Pin[]} pins
   */
  function group(model, pins) {
    const from = new Set(pins.map(({ address }) => hostOf(address)).filter(Boolean));
    const list = element("ul", { className: "pins" }, ...pins.map(item));
    return element("section", {}, withText("h3", text.pinsOf(model, [...from].join(", "))), list);
  }

  /** @param {Pin} pin */
  function item({ name, sha256, date }) {
    const file = parts(name).path;
    const forget = element("button", { type: "button" }, text.forgetPin());
    forget.setAttribute("aria-label", `${text.forgetPin()}: ${name}`);
    forget.addEventListener("click", async () => {
      try {
        await store().forgetPins([name]);
        status.textContent = text.pinForgotten(file);
      } catch (error) {
        status.textContent = /** @type {Error} */ (error).message;
        return;
      }
      await show();
      // The clicked button is gone: another element gets the focus.
      (place.querySelector("button") ?? box.querySelector("summary"))?.focus();
    });
    const facts = withText("p", text.pin(file, date));
    return element("li", {}, facts, withText("code", sha256), forget);
  }

  box.addEventListener("toggle", () => {
    status.textContent = "";
    void show();
  });
  return { enter: show };
}

/** @param {Pin[]} pins */
function byModel(pins) {
  /** @type {Map<string, Pin[]>} */
  const models = new Map();
  for (const pin of pins) {
    const { model } = parts(pin.name);
    models.set(model, [...(models.get(model) ?? []), pin]);
  }
  return models;
}

/**
 * The parts of a pin's name `repository@revision/path`; a path may have folders.
 * @param {string} name
 */
function parts(name) {
  const [, model = name, path = name] = /^(.*?@[^/]*)\/(.*)$/.exec(name) ?? [];
  return { model, path };
}

/** @param {string | null} address */
function hostOf(address) {
  return address && URL.canParse(address) ? new URL(address).host : "";
}
