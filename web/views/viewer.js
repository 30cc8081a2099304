// One picture of the gallery, large, with what can be done with it.

import { beginning, say } from "../strings.js";
import { anyById, button, byId, onPress } from "../dom.js";
import { SMALL, facts, fileName } from "./picture.js";
import { printAddress, printName } from "./prints.js";

/** Characters of a prompt that are shown. */
const PROMPT = 2000;

/** @typedef {import("../storage/pictures.js").Print} Print */

/**
 * @param {object} handlers
 * @param {(print: Print) => void} handlers.onUse
 * @param {(print: Print) => void} handlers.onVary a picture that begins with it is wanted
 * @param {(print: Print) => void} handlers.onStar it has changed
 * @param {(print: Print) => void} handlers.onDelete
 * @param {(print: Print) => Promise<string>} handlers.onLink a link to it is wanted; resolves to
 * what to say of that
 * @param {(print: Print) => void} handlers.onOpen this one is seen
 * @param {() => void} handlers.onClose
 */
export function createViewer({ onUse, onVary, onStar, onDelete, onLink, onOpen, onClose }) {
  const dialog = byId("viewer", HTMLDialogElement);
  const image = byId("viewer-image", HTMLImageElement);
  const download = byId("viewer-download", HTMLAnchorElement);
  /** @type {Print[]} */
  let prints = [];
  let at = 0;
  const current = () => prints[at];

  async function show() {
    const print = current();
    if (!print) return dialog.close();
    onOpen(print);
    anyById("viewer-told").textContent = "";
    const { request, width, height, seconds, made, model, provenance } = print;
    image.alt = printName(print);
    image.classList.toggle("pixels", Math.max(width, height) < SMALL);
    anyById("viewer-prompt").textContent = beginning(request.prompt || say.noPrompt(), PROMPT);
    anyById("viewer-facts").textContent = [
      facts(request, width, height, seconds),
      ...(request.negative_prompt ? [say.avoiding(request.negative_prompt)] : []),
      provenance ? say.madeBy(provenance) : model,
      new Date(made).toLocaleString(),
    ].join(" · ");
    button("viewer-star").ariaPressed = String(print.favourite);
    button("viewer-star").textContent = print.favourite ? say.starred() : say.star();
    button("viewer-previous").disabled = at === 0;
    button("viewer-next").disabled = at === prints.length - 1;
    download.download = fileName(request);
    const address = await printAddress(print.id).catch(() => "");
    if (print !== current()) return;
    image.src = download.href = address;
  }

  /** @param {number} by */
  function move(by) {
    at = Math.min(Math.max(at + by, 0), prints.length - 1);
    show();
  }

  onPress("viewer-previous", () => move(-1));
  onPress("viewer-next", () => move(1));
  onPress("viewer-close", () => dialog.close());
  dialog.addEventListener("close", onClose);
  whenPressed(current, {
    link: async (print) => (anyById("viewer-told").textContent = await onLink(print)),
    use(print) {
      dialog.close();
      onUse(print);
    },
    vary(print) {
      dialog.close();
      onVary(print);
    },
    star(print) {
      print.favourite = !print.favourite;
      onStar(print);
      void show();
    },
    delete(print) {
      onDelete(print);
      prints.splice(at, 1);
      move(0);
    },
  });

  dialog.addEventListener("keydown", ({ key }) => {
    const forwards = getComputedStyle(dialog).direction === "ltr" ? 1 : -1;
    if (key === "ArrowLeft") move(-forwards);
    if (key === "ArrowRight") move(forwards);
    if (key === "Delete") button("viewer-delete").click();
  });

  return {
    /**
     * @param {Print[]} all among which Previous and Next go
     * @param {Print} print
     */
    open(all, print) {
      prints = [...all];
      at = Math.max(0, prints.indexOf(print));
      if (!dialog.open) dialog.showModal();
      show();
    },

    close: () => dialog.close(),
  };
}

/**
 * What the buttons do with the picture that is seen.
 * @param {() => Print | undefined} current
 * @param {Record<string, (print: Print) => void>} acts by name
 */
function whenPressed(current, acts) {
  for (const [name, act] of Object.entries(acts))
    onPress(`viewer-${name}`, () => {
      const print = current();
      if (print) act(print);
    });
}
