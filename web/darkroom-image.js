// <darkroom-image>: an image that is made on the visitor's own machine. Two lines put it on a page:
//
//     <script type="module" src="darkroom-image.js"></script>
//     <darkroom-image model="models/demo/" prompt="a red heart" seed="1"></darkroom-image>
//
// `model` is the address, from the page, of a folder in the diffusers layout or of a single file.
// The other attributes are fields of a request: prompt, negative-prompt, seed, steps,
// guidance-scale, sampler, width, height. The image is made when the element comes into view, and
// again when an attribute changes. All elements of a page share one engine, which ends when the
// last element is removed. An element that is moved keeps its image, or goes on. Events:
// `progress` (detail: the engine's progress), `load` and `error`; the file is `element.png`.

import { EngineError } from "./engine/client.js";
import { Maker } from "./maker.js";
import { text } from "./strings/element.js";

const FIELDS = [
  "prompt",
  "negative-prompt",
  "seed",
  "steps",
  "guidance-scale",
  "sampler",
  "width",
  "height",
];

const STYLE = `
  :host { display: inline-block; position: relative; width: 16rem; max-width: 100%; }
  :host([hidden]) { display: none; }
  div { position: relative; overflow: auto; }
  img { display: block; width: 100%; height: auto; }
  progress { position: absolute; inset: auto 8% 8%; width: 84%; }
  p { margin: 0; padding: 0.5rem; font-size: 0.85rem; }
  [hidden] { display: none; }
`;
/** @type {CSSStyleSheet | null} shared by all elements; made by the first one */
let style = null;

/** A server that renders pages can import this module too: it has no HTMLElement. */
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

const maker = new Maker();
/** The elements that are on the page. @type {Set<DarkroomImage>} */
const present = new Set();

/** Ends the engine's worker if no element is left. @param {DarkroomImage} element */
function release(element) {
  if (present.delete(element) && !present.size) maker.dispose();
}

export class DarkroomImage extends Base {
  static observedAttributes = ["model", ...FIELDS];

  /** @type {Blob | null} the image as a PNG file, with the request inside */
  png = null;
  #box = document.createElement("div");
  #image = document.createElement("img");
  #bar = document.createElement("progress");
  #text = document.createElement("p");
  #seen = false;
  /** The image is that of the attributes as they are now. */
  #done = false;
  #stop = new AbortController();
  #sight = new IntersectionObserver((entries) => {
    if (this.#seen || !entries.some(({ isIntersecting }) => isIntersecting)) return;
    this.#seen = true;
    this.#make();
  });

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    if (!style) (style = new CSSStyleSheet()).replaceSync(STYLE);
    root.adoptedStyleSheets = [style];
    this.#image.hidden = this.#bar.hidden = this.#text.hidden = true;
    this.#text.setAttribute("role", "alert");
    this.#box.append(this.#image, this.#bar, this.#text);
    root.append(this.#box);
  }

  connectedCallback() {
    present.add(this);
    this.#shape();
    if (this.#done) {
      if (this.png && !this.#image.src) this.#image.src = URL.createObjectURL(this.png);
      return;
    }
    this.#sight.unobserve(this);
    this.#sight.observe(this);
  }

  disconnectedCallback() {
    // Later, because an element that is moved is at its new place by then.
    queueMicrotask(() => {
      if (!this.isConnected) this.#leave();
    });
  }

  /** Cancels the run and frees what the element holds, but for its file. */
  #leave() {
    this.#sight.disconnect();
    this.#stop.abort();
    this.#seen = this.#done;
    URL.revokeObjectURL(this.#image.src);
    this.#image.removeAttribute("src");
    release(this);
  }

  attributeChangedCallback() {
    this.#shape();
    this.#done = false;
    if (!this.isConnected) this.#seen = false;
    // Later, because several attributes may change at once.
    else if (this.#seen) queueMicrotask(() => this.isConnected && this.#make());
  }

  /** Reserves the image's place, so that the page does not jump; a square if no size is given. */
  #shape() {
    const [width, height] = ["width", "height"].map((name) => Number(this.getAttribute(name)));
    this.#box.style.aspectRatio = width && height ? `${width} / ${height}` : "1";
  }

  async #make() {
    this.#stop.abort();
    const mine = (this.#stop = new AbortController());
    const { signal } = mine;
    const prompt = this.getAttribute("prompt") ?? "";
    this.#bar.hidden = false;
    this.#bar.removeAttribute("value");
    this.#bar.setAttribute("aria-label", prompt);
    this.#text.hidden = true;
    try {
      const address = this.getAttribute("model");
      if (!address)
        throw new EngineError({ kind: "request", message: text.noModel(), field: "model" });
      const model = new URL(address, document.baseURI).href;
      const onProgress = (/** @type {import("./engine/protocol.js").Progress} */ progress) => {
        if (progress.event === "step") this.#bar.value = progress.step / progress.steps;
        this.dispatchEvent(new CustomEvent("progress", { detail: progress }));
      };
      const { png, width, height } = await maker.make(model, {}, this.#request(), {
        onProgress,
        signal,
      });
      if (signal.aborted) return;
      this.png = new Blob([png], { type: "image/png" });
      URL.revokeObjectURL(this.#image.src);
      Object.assign(this.#image, { src: URL.createObjectURL(this.png), width, height });
      this.#image.alt = prompt;
      await this.#image.decode();
      if (signal.aborted) return;
      this.#image.hidden = false;
      this.#done = true;
      this.dispatchEvent(new Event("load"));
    } catch (error) {
      if (signal.aborted) return;
      const { message, kind } = /** @type {EngineError} */ (error);
      const address = this.getAttribute("model") ?? "";
      const other = new URL(address, document.baseURI).origin !== location.origin;
      this.#text.textContent = message + (other && kind === "source" ? text.otherSite() : "");
      this.#text.hidden = false;
      this.dispatchEvent(new CustomEvent("error", { detail: error }));
    } finally {
      if (mine === this.#stop) this.#bar.hidden = true;
    }
  }

  /** @returns {import("./engine/protocol.js").Request} */
  #request() {
    const given = FIELDS.flatMap((name) => {
      const value = this.getAttribute(name);
      if (value === null) return [];
      const text = ["prompt", "negative-prompt", "seed", "sampler"].includes(name);
      return [[name.replaceAll("-", "_"), text ? value : Number(value)]];
    });
    return { prompt: "", seed: "0", ...Object.fromEntries(given) };
  }
}

globalThis.customElements?.define("darkroom-image", DarkroomImage);
