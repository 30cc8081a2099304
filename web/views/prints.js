// Pictures of the gallery as buttons with an image, whose files are read when they come into view.

import { beginning, say } from "../strings.js";
import { printFile } from "../storage/pictures.js";
import { element } from "../dom.js";
import { SMALL } from "./picture.js";

/** @typedef {import("../storage/pictures.js").Print} Print */

/** @type {Map<number, string>} addresses of files in memory, the latest used last */
const addresses = new Map();
const ADDRESSES_MAX = 400;

/** Characters of a prompt that name its picture. */
const NAME = 200;

/**
 * The address of a picture's file, for an `<img>` or a link.
 * @param {number} id
 */
export async function printAddress(id) {
  let address = addresses.get(id);
  if (!address) {
    const file = await printFile(id);
    if (!file) return "";
    address = addresses.get(id) ?? URL.createObjectURL(file);
  }
  addresses.delete(id);
  addresses.set(id, address);
  for (const [oldest, old] of addresses) {
    if (addresses.size <= ADDRESSES_MAX) break;
    addresses.delete(oldest);
    URL.revokeObjectURL(old);
  }
  return address;
}

const sight = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || !(target instanceof HTMLImageElement)) continue;
      sight.unobserve(target);
      fill(target);
    }
  },
  { rootMargin: "300px" },
);

/** @param {HTMLImageElement} image */
async function fill(image) {
  const address = await printAddress(Number(image.dataset["print"])).catch(() => "");
  if (address) image.src = address;
}

/**
 * What a picture is called.
 * @param {Print} print
 */
export const printName = ({ request }) => beginning(request.prompt || say.noPrompt(), NAME);

/**
 * A picture as a button.
 * @param {Print} print
 * @param {() => void} act
 */
export function printButton(print, act) {
  const image = element("img", { alt: "", width: print.width, height: print.height });
  image.dataset["print"] = String(print.id);
  image.classList.toggle("pixels", Math.max(print.width, print.height) < SMALL);
  sight.observe(image);
  const name = printName(print);
  const made = element("button", { type: "button", title: name, ariaLabel: name }, image);
  made.addEventListener("click", act);
  return made;
}
