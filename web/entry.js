// Starts the page, unless it is in a frame of another page, which could cover its buttons with
// others. A host that sends no headers cannot forbid frames in another way.

import { text } from "./strings/network.js";

if (self === top) import("./main.js");
else stayOut();

/** Shows why nothing runs, and a link to open the page alone. */
function stayOut() {
  const link = document.createElement("a");
  link.href = location.href;
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = text.openAlone();
  const words = document.createElement("p");
  words.append(`${text.framed()} `, link);
  const main = document.createElement("main");
  main.append(words);
  document.documentElement.dataset["state"] = "framed";
  document.body.replaceChildren(main);
}
