// The note in the library about models that the browser has lost.

import { dismissLost, lostModels, onLostModels } from "../store/lost.js";
import { library as text } from "../strings/library.js";
import { chip, element, withText } from "../dom.js";

/** The message about lost models, which stays until the user closes it. */
export function lostNote() {
  const words = withText("p", "");
  const close = chip(text.lostRead(), dismissLost);
  const note = element("div", { className: "banner" }, words, close);
  words.setAttribute("role", "status");
  const show = () => {
    const titles = lostModels();
    note.hidden = !titles.length;
    words.textContent = titles.length ? text.lost(titles) : "";
  };
  onLostModels(show);
  show();
  return note;
}
