// Removes browser interfaces that can send data past the Content-Security-Policy. It is the first
// script of the page and of every worker, so that no other script can use them. No policy can stop
// WebRTC today, so its interfaces are removed. Frames and opened windows have interfaces of their
// own, so frames cannot be made, and `open` returns no window.
//
// It is a classic script in the page, and a module in workers.

{
  const fixed = { writable: false, configurable: false, enumerable: false };

  /**
   * Replaces a property for good, if the object has it.
   * @param {any} owner
   * @param {string} name
   * @param {unknown} value
   */
  const put = (owner, name, value) => {
    if (owner && name in owner) Object.defineProperty(owner, name, { value, ...fixed });
  };

  // The page uses none of these. The last ones make the browser fetch a URL that a script chooses.
  const GONE = new RegExp(
    "^(webkit|moz)?(RTC.*|WebTransport.*|WebSocketStream|XMLHttpRequest|XSLTProcessor|" +
      "documentPictureInPicture|DocumentPictureInPicture|PaymentRequest|PresentationRequest|" +
      "MediaMetadata|IdentityCredential|FederatedCredential|PasswordCredential|" +
      "BackgroundFetchManager|sharedStorage|fetchLater)$",
  );
  for (
    let owner = globalThis;
    owner && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner)
  )
    for (const name of Object.getOwnPropertyNames(owner)) {
      if (!GONE.test(name)) continue;
      // Deleted on the prototype that has it, and fixed as undefined on the global object.
      Reflect.deleteProperty(owner, name);
      Object.defineProperty(globalThis, name, { value: undefined, ...fixed });
    }
  for (const name of ["joinAdInterestGroup", "runAdAuction", "credentials", "presentation"]) {
    if (name in navigator) Reflect.deleteProperty(Object.getPrototypeOf(navigator), name);
    put(navigator, name, undefined);
  }

  // A storage that all sites share: only in the page, and once the user has switched it on
  // (store/sharing.js). It leaves null behind, by which the page sees that the browser has one.
  const SHARED = "crossOriginStorage";
  if (SHARED in navigator && !isShared()) {
    Reflect.deleteProperty(Object.getPrototypeOf(navigator), SHARED);
    Object.defineProperty(navigator, SHARED, { value: null, ...fixed });
  }

  function isShared() {
    try {
      // eslint-disable-next-line no-restricted-globals -- a classic script imports nothing
      return localStorage.getItem("darkroom.cross-origin-storage") === "on";
    } catch {
      // A worker, or storage is blocked.
      return false;
    }
  }

  if ("document" in globalThis) guardDocument();

  /** Forbids frames, and references to other windows. */
  function guardDocument() {
    const FRAMES = /^(.*:)?(iframe|frame|frameset|object|embed|applet|fencedframe|portal)$/i;
    const check = (/** @type {unknown} */ tag) => {
      const name = String(tag);
      if (FRAMES.test(name)) throw new TypeError("Refused: this page makes no frames");
      return name;
    };
    const { createElement, createElementNS } = Document.prototype;
    const { define } = CustomElementRegistry.prototype;
    const { apply } = Reflect;
    put(Document.prototype, "createElement", function (/** @type {any[]} */ ...args) {
      args[0] = check(args[0]);
      // @ts-ignore: as it was called
      return apply(createElement, this, args);
    });
    put(Document.prototype, "createElementNS", function (/** @type {any[]} */ ...args) {
      args[1] = check(args[1]);
      // @ts-ignore: as it was called
      return apply(createElementNS, this, args);
    });
    // Without the option `extends`: an element that extends a frame would be a frame.
    const own = function (/** @type {string} */ name, /** @type {any} */ made) {
      // @ts-ignore: as it was called
      return apply(define, this, [name, made]);
    };
    put(CustomElementRegistry.prototype, "define", own);
    const { open } = globalThis;
    put(globalThis, "open", (/** @type {any[]} */ ...args) => {
      open(...args);
      return null;
    });
  }
}
