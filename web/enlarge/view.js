// The elements of the dialog that enlarges an image.

import { enlargeText as text } from "../strings/enlarge.js";
import { chip, element, setText, withText } from "../dom.js";

/** Milliseconds between two announcements of progress: a screen reader needs time to finish one. */
const ANNOUNCE_EVERY = 3000;

/** The dialog's elements, added to the page. */
export function createView() {
  const dialog = element("dialog", { id: "enlarge-dialog" });
  dialog.setAttribute("aria-labelledby", "enlarge-title");
  const title = element("h2", { id: "enlarge-title" }, text.title());
  const about = element("p", { className: "hint" }, text.about());
  const size = element("p", { className: "hint" });
  const select = element("select", { id: "enlarge-upscaler" });
  const label = element("label", { htmlFor: select.id }, text.upscaler());
  const none = element("p", { className: "hint cut", hidden: true }, text.none());
  const input = element("input", {
    ...{ id: "enlarge-import", type: "file", className: "unseen" },
    ...{ accept: ".pth,.safetensors,.pt,.ckpt,.bin" },
  });
  const bar = element("progress", { max: 1, hidden: true, ariaLabel: text.progress() });
  const told = withText("p", "");
  told.className = "hint";
  told.setAttribute("role", "status");
  const start = chip(text.start(), () => {});
  start.className = "primary";
  const cancel = chip(text.cancel(), () => {});
  const close = chip(text.close(), () => dialog.close());
  const importing = element("label", { className: "button", htmlFor: input.id }, text.importIt());
  const gap = element("span", { className: "gap" });
  dialog.append(title, about, size, element("div", { className: "field" }, label, select), none);
  dialog.append(element("div", { className: "actions small-actions" }, input, importing));
  dialog.append(bar, told, element("div", { className: "actions" }, start, cancel, gap, close));
  document.body.append(dialog);
  let announced = -Infinity;
  /**
   * Shows a sentence.
   * @param {string} sentence
   * @param {boolean} [progress] whether the next one comes soon: it is not read aloud each time
   */
  const tell = (sentence, progress = false) => {
    const now = performance.now();
    const due = !progress || now - announced > ANNOUNCE_EVERY;
    if (due) announced = now;
    told.ariaLive = due ? "polite" : "off";
    setText(told, sentence);
  };
  return { dialog, size, select, none, input, bar, tell, start, cancel };
}
