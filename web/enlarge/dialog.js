// The dialog that enlarges an image by an upscaler that this browser stores. The result is stored
// in the gallery with the image's own record, and shown. Loaded when it is first opened.

import { isPng } from "../files/png.js";
import { pixelsOf } from "../files/pixels.js";
import { isIdle } from "../state/page.js";
import { storageSentence } from "../storage/database.js";
import { enlargements } from "../storage/known.js";
import { keepImage } from "../storage/images.js";
import { remember, remembered } from "../storage/settings.js";
import { keepStartImage } from "../storage/start_images.js";
import { CHANNEL } from "../store/protocol.js";
import { labelOf, listNetworks } from "../store/networks.js";
import { say } from "../strings.js";
import { enlargeText as text } from "../strings/enlarge.js";
import { element } from "../dom.js";
import { recordIn } from "./record.js";
import { createView } from "./view.js";

/** @typedef {import("../store/networks.js").Network} Network */
/** @typedef {import("../session/protocol.js").Made} Made */
/** @typedef {import("../engine/protocol.js").Pixels} Pixels */
/** @typedef {import("../engine/protocol.js").Progress} Progress */

/**
 * What is known of an image: of its record, what the enlarged one takes over.
 * @typedef {Partial<Pick<Made, "request" | "initial" | "mask" | "controls" | "model" |
 *   "provenance" | "parts" | "engine" | "enlarged">>} Record
 */

/** The name of the upscaler that was used last, in the settings. */
const LAST = "upscaler";

/**
 * @typedef {object} Handlers
 * @property {(made: Made) => void} onMade shows an enlarged image
 * @property {(files: { path: string, file: File }[]) => Promise<string>} onImport imports files
 * into the library; resolves to the sentence about it
 * @property {(made: boolean) => void} onClose it was closed, after an image was made or without
 * @property {(error: unknown) => void} tell
 */

/**
 * @param {import("../state/page.js").Page} state
 * @param {import("../session/session.js").Session} session
 * @param {Handlers} handlers
 */
export function createEnlarge(state, session, handlers) {
  const view = createView();
  const { dialog, select, start, cancel, tell } = view;
  /** @type {Network[]} */
  let stored = [];
  /** @type {{ of: Record, file: Blob, pixels: Pixels } | null} */
  let image = null;
  let runs = false;
  /** Whether an image was made since it was opened. */
  let made = false;
  /** Counts openings: what belongs to an earlier one does not touch a later one. */
  let openings = 0;

  async function refresh() {
    stored = await listNetworks("upscaler").catch(() => []);
    const before = select.value || remembered(LAST) || "";
    select.replaceChildren(...stored.map(optionOf));
    if (stored.some(({ id }) => id === before)) select.value = before;
    show();
  }

  function show() {
    view.none.hidden = stored.length > 0;
    select.disabled = start.disabled = !stored.length || runs;
    cancel.disabled = !runs;
    view.bar.hidden = !runs;
  }

  async function run() {
    const network = stored.find(({ id }) => id === select.value);
    if (!network || !image || runs) return;
    if (!isIdle(state) || state.get().queueRuns) return tell(text.busy());
    const mine = openings;
    remember(LAST, network.id);
    runs = true;
    tell("");
    view.bar.removeAttribute("value");
    show();
    cancel.focus();
    const outcome = await session.enlarge(
      text.begin(),
      workOn(image, network, state.get().choice.how, { ...handlers, hear }),
    );
    runs = false;
    show();
    // It was closed, and perhaps opened for another image.
    if (mine !== openings || !dialog.open) return;
    made = outcome === "done";
    if (made) return dialog.close();
    tell(typeof outcome === "object" ? outcome.failed : text.cancelled());
    start.focus();
  }

  /** @param {import("../engine/protocol.js").Progress} progress */
  function hear(progress) {
    if (progress.event === "loading") tell(text.begin(), true);
    if (progress.event !== "enlarging") return;
    view.bar.value = progress.done / progress.total;
    tell(say.enlarging(progress.done, progress.total), true);
  }

  start.addEventListener("click", () => void run());
  cancel.addEventListener("click", () => session.cancel());
  dialog.addEventListener("close", () => {
    if (runs) session.cancel();
    image = null;
    handlers.onClose(made);
  });
  onFiles(view.input, (files) => {
    const done = (/** @type {string} */ sentence) => (tell(sentence), refresh());
    handlers.onImport(files).then(done).catch(handlers.tell);
  });
  new BroadcastChannel(CHANNEL).addEventListener("message", ({ data }) => {
    if (data.changed && dialog.open) void refresh();
  });

  return {
    /**
     * @param {Record} of what is known of the image
     * @param {Blob} file
     */
    async open(of, file) {
      const mine = ++openings;
      const pixels = await pixelsOf(file);
      await refresh();
      if (mine !== openings) return;
      image = { of, file, pixels };
      made = false;
      tell("");
      view.size.textContent = text.size(pixels.width, pixels.height);
      if (!dialog.open) dialog.showModal();
      (stored.length ? start : view.input).focus();
    },

    close: () => dialog.close(),
  };
}

/** @param {Network} one @param {number} _at @param {Network[]} all */
const optionOf = (one, _at, all) => element("option", { value: one.id }, labelOf(one, all));

/**
 * @param {HTMLInputElement} input
 * @param {(files: { path: string, file: File }[]) => void} take gets what was chosen
 */
function onFiles(input, take) {
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])].map((file) => ({ path: file.name, file }));
    input.value = "";
    if (files.length) take(files);
  });
}

/**
 * The work that enlarges an image and keeps the result.
 * @param {{ of: Record, file: Blob, pixels: Pixels }} image
 * @param {Network} network
 * @param {import("../engine/protocol.js").Options} opened how the model is opened
 * @param {Handlers & { hear: (progress: Progress) => void }} handlers
 * @returns {Parameters<import("../session/session.js").Session["enlarge"]>[1]}
 */
function workOn({ of, file, pixels }, { id, name, sha256 }, { device, precision }, handlers) {
  return async (engine, { onProgress, ...watch }) => {
    const begun = performance.now();
    const png = await pngBytes(file);
    const how = { ...(device && { device }), ...(precision && { precision }), ...(png && { png }) };
    const listen = (/** @type {Progress} */ progress) => {
      onProgress?.(progress);
      handlers.hear(progress);
    };
    const watched = { ...watch, onProgress: listen };
    const made = await engine.upscale(`stored:${id}`, pixels, how, watched);
    const seconds = (performance.now() - begun) / 1000;
    const factor = Math.round((100 * made.width) / pixels.width) / 100;
    await keep(handlers, { of, file, made, seconds, enlarged: { name, sha256, factor } });
    return text.done(made.width, made.height, seconds);
  };
}

/**
 * Stores an enlarged image in the gallery and shows it.
 * @param {Pick<Handlers, "onMade" | "tell">} handlers
 * @param {{ of: Record, file: Blob, made: import("../engine/protocol.js").Enlarged,
 *   seconds: number, enlarged: import("../storage/images.js").Enlargement }} what
 */
async function keep({ onMade, tell }, { of, file, made, seconds, enlarged: last }) {
  const { width, height, png } = made;
  const known = of.request ? { ...of, request: of.request } : { ...of, ...(await recordIn(file)) };
  const { request, initial, mask, controls, provenance, parts, model = "", engine = "" } = known;
  const beside = {
    ...(initial && { initial, ...(mask && { mask }) }),
    ...(controls?.length && { controls }),
    ...(provenance && { provenance }),
    ...(parts?.length && { parts }),
  };
  const enlarged = [...enlargements(of), last];
  const before = await keepStartImage(file);
  const about = { request, seconds, model, engine, ...beside, enlarged, before };
  const blob = new Blob([png], { type: "image/png" });
  try {
    await keepImage({ ...about, width, height }, blob);
  } catch (error) {
    // The image is shown all the same, and the user can save it as a file.
    const { message } = /** @type {Error} */ (error);
    tell(new Error((await storageSentence(error)) ?? say.notKept(message)));
  }
  try {
    onMade({ ...about, picture: made, file: blob });
  } catch (error) {
    // It is in the gallery.
    tell(error);
  }
}

/** The bytes of a PNG file; undefined for any other. @param {Blob} file */
async function pngBytes(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return isPng(bytes) ? bytes : undefined;
}
