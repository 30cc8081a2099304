// Pictures of the gallery as buttons with an image, whose files are read when they come into view.

import { beginning, say } from "../strings.js";
import { imageFile } from "../storage/images.js";
import { element } from "../dom.js";
import { SMALL } from "./picture.js";

/** @typedef {import("../storage/images.js").SavedImage} SavedImage */

/** @type {Map<number, string>} addresses of files in memory, the latest used last */
const addresses = new Map();
const ADDRESSES_MAX = 400;

/** Characters of a prompt that name its picture. */
const NAME = 200;

/**
 * The address of a picture's file, for an `<img>` or a link.
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
 * What a picture is called.
 * @param {SavedImage} saved
 */
export const imageName = ({ request }) => beginning(request.prompt || say.noPrompt(), NAME);

/**
 * A picture as a button.
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
