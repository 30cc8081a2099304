// Where the page begins, unless it stands in another page's frame: there its buttons could be
// covered by others, and hosts that send no headers cannot forbid it.

import { text } from "./strings/network.js";

if (self === top) import("./main.js");
else stayOut();

/** Says why nothing runs, and how to go on. */
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
