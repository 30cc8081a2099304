// What “Use” does with a stored file that is no model: a LoRA or a ControlNet is chosen in the
// form, an upscaler enlarges the latest image, the word of a textual inversion is added to the
// prompt, and a part stands in for the model's own, which is opened again with it.

import { chooseOption } from "../options.js";
import { kindOf, wordsOf } from "../store/addons.js";
import { loraOf } from "../store/loras.js";
import { addonText } from "../strings/addons.js";

/** @typedef {import("../store/protocol.js").StoredModel} StoredModel */

/**
 * @param {import("../views/form.js").Form} form
 * @param {object} others
 * @param {() => void} others.changed the form has changed
 * @param {() => void} others.toForm shows the form
 * @param {() => Promise<unknown>} others.reopen opens the model of the address
 * @param {() => void} others.onUpscaler
 * @param {(sentence: string) => void} others.tell shows a sentence
 */
export function createAddons(form, { changed, toForm, reopen, onUpscaler, tell }) {
  return {
    /** @param {StoredModel} model */
    async use(model) {
      const { id, title } = model.manifest;
      const kind = kindOf(model);
      if (kind === "lora" || kind === "control") {
        toForm();
        if (kind === "lora") form.loras.choose(loraOf(model));
        else await form.controls.choose(model);
        tell(addonText.chosen(title));
      } else if (kind === "embedding") {
        toForm();
        const [word = ""] = wordsOf(model);
        // Words of what an image should not show are mostly called so.
        const field = /neg|bad/i.test(word) ? "negative_prompt" : "prompt";
        form.addWord(field, word);
        changed();
        tell(addonText.called(word));
      } else if (kind === "upscaler") {
        onUpscaler();
      } else if (kind !== "model") {
        chooseOption(kind, `stored/${id}`);
        await reopen();
      }
    },

    /** The model's own part is used again. @param {StoredModel} model */
    async stop(model) {
      chooseOption(kindOf(model), null);
      await reopen();
    },
  };
}
