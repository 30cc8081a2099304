// Takes away what leaves this machine past the security policy. The first script of the page and of
// every worker: a script that came later would find it all gone. No policy of today stops WebRTC,
// so its interfaces are removed, and with them whatever would give them back: frames, whose windows
// have interfaces of their own, and references to windows that the page opens.
//
// It is a classic script in the page, and a module in workers.

{
  const fixed = { writable: false, configurable: false, enumerable: false };

  /**
   * @param {any} owner
   * @param {string} name
   * @param {unknown} value
   */
  const put = (owner, name, value) => {
    if (owner && name in owner) Object.defineProperty(owner, name, { value, ...fixed });
  };

  // The page uses none of these. The last ones make browsers ask addresses that a script chooses.
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
      // Also on the prototype that a name may come from.
      Reflect.deleteProperty(owner, name);
      Object.defineProperty(globalThis, name, { value: undefined, ...fixed });
    }
  for (const name of ["joinAdInterestGroup", "runAdAuction", "credentials", "presentation"]) {
    if (name in navigator) Reflect.deleteProperty(Object.getPrototypeOf(navigator), name);
    put(navigator, name, undefined);
  }

  if ("document" in globalThis) guardDocument();

  /** No frame is made, and no other window is had. */
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
    // An element that extends a frame would be one.
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
