// The gallery's images as buttons. The file of an image is read when its button comes into view.

import { beginning, say } from "../strings.js";
import { imageFile } from "../storage/images.js";
import { element } from "../dom.js";
import { SMALL } from "./picture.js";

/** @typedef {import("../storage/images.js").SavedImage} SavedImage */

/** @type {Map<number, string>} blob: addresses by number; the one that was used last is last */
const addresses = new Map();
const ADDRESSES_MAX = 400;

/** The most characters of a prompt in the name of its image. */
const NAME = 200;

/**
 * The blob: address of an image's file, for an `<img>` or a link.
 * @param {number} id
 */
export async function imageAddress(id) {
  let address = addresses.get(id);
  if (!address) {
    const file = await imageFile(id);
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
  const address = await imageAddress(Number(image.dataset["image"])).catch(() => "");
  if (address) image.src = address;
}

/**
 * The name of an image: its prompt.
 * @param {SavedImage} saved
 */
export const imageName = ({ request }) => beginning(request.prompt || say.noPrompt(), NAME);

/**
 * A button with an image.
 * @param {SavedImage} saved
 * @param {() => void} act
 */
export function imageButton(saved, act) {
  const image = element("img", { alt: "", width: saved.width, height: saved.height });
  image.dataset["image"] = String(saved.id);
  image.classList.toggle("pixels", Math.max(saved.width, saved.height) < SMALL);
  sight.observe(image);
  const name = imageName(saved);
  const made = element("button", { type: "button", title: name, ariaLabel: name }, image);
  made.addEventListener("click", act);
  return made;
}
