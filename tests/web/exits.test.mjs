// Every way out that a script in the page or in a worker may try, and what arrives at servers that
// count: TCP and UDP of this machine, under an address that is another site's. What no policy and
// no guard can stop is tried apart: it needs a script of somebody else in the page, which nothing
// lets in.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { test } from "node:test";
import { serve } from "../../scripts/serve.mjs";
import { DOUBLE, SITE, visit } from "./harness/site.mjs";

/** Milliseconds in which what was sent arrives. */
const ARRIVES_MS = 1500;

/** Counts what arrives: the first line of each connection, and packets. */
async function counters(/** @type {import("node:test").TestContext} */ t) {
  /** @type {string[]} */
  const arrived = [];
  const tcp = createServer((socket) => {
    let line = "";
    socket.on("error", () => {});
    socket.on("data", (data) => {
      if (line) return;
      line = String(data).split("\r\n")[0] ?? "";
      arrived.push(`tcp ${line}`);
      socket.end("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi");
    });
  });
  await new Promise((done) => tcp.listen(0, "127.0.0.1", () => done(null)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (tcp.address());
  const udp = createSocket("udp4", () => arrived.push("udp"));
  await new Promise((done) => udp.bind(port, "127.0.0.1", () => done(null)));
  t.after(() => {
    tcp.close();
    udp.close();
  });
  return { url: `http://127.0.0.1:${port}`, port, arrived };
}

/**
 * A page of another site in the same browser, without a policy.
 * @param {import("node:test").TestContext} t
 * @param {import("playwright-core").Page} page
 * @param {string} body
 */
async function elsewhere(t, page, body) {
  const site = await serve({
    roots: [],
    instead(_, response) {
      response.writeHead(200, { "Content-Type": "text/html" }).end(`<!doctype html><body>${body}`);
      return true;
    },
  });
  t.after(() => site.close());
  const context = await page.context().browser()?.newContext();
  assert.ok(context);
  t.after(() => context.close());
  const other = await context.newPage();
  other.setDefaultTimeout(60_000);
  await other.goto(site.url);
  return other;
}

/**
 * Runs in the page: tries each way by name; what stopped it, if it was told.
 * @param {[string, number]} place address and port of the counters
 */
// eslint-disable-next-line max-lines-per-function -- a list of ways, sent to the page as a whole
async function tryPage([url, port]) {
  const make = (/** @type {string} */ tag, /** @type {object} */ more) => {
    const element = Object.assign(document.createElement(tag), more);
    document.body.append(element);
    return element;
  };
  const link = (/** @type {string} */ rel, more = {}) =>
    make("link", { rel, href: `${url}/${rel}?secret`, ...more });
  const at = (/** @type {string} */ name) => `${url}/${name}?secret`;
  const rtc = async (/** @type {any} */ own, kind = "RTCPeerConnection") => {
    const server = { urls: [`stun:127.0.0.1:${port}`, `turn:127.0.0.1:${port}`] };
    const secret = { username: "secret", credential: "secret" };
    const peer = new own[kind]({ iceServers: [{ ...server, ...secret }] });
    peer.createDataChannel("out");
    await peer.setLocalDescription(await peer.createOffer());
  };
  const frame = (/** @type {HTMLElement} */ made) => {
    document.body.append(made);
    return rtc(/** @type {any} */ (made).contentWindow);
  };
  const blob = (/** @type {string} */ text, type = "text/javascript") =>
    URL.createObjectURL(new Blob([text], { type }));
  const svg = (/** @type {string} */ tag) =>
    document.createElementNS("http://www.w3.org/2000/svg", tag);
  /** @type {any} */
  const own = globalThis;
  /** @type {Record<string, () => any>} */
  const ways = {
    fetch: () => fetch(at("fetch")),
    "fetch, no-cors": () => fetch(at("no-cors"), { mode: "no-cors" }),
    "fetch, keepalive": () => fetch(at("alive"), { method: "POST", keepalive: true, body: "s" }),
    fetchLater: () => own.fetchLater(at("later"), { activateAfter: 0 }),
    beacon: () => navigator.sendBeacon(at("beacon"), "secret"),
    XHR: () => {
      const request = new XMLHttpRequest();
      request.open("GET", at("xhr"));
      request.send();
    },
    socket: () => new WebSocket(at("socket").replace("http", "ws")),
    "socket stream": () => new own.WebSocketStream(at("stream").replace("http", "ws")),
    EventSource: () => new EventSource(at("events")),
    WebTransport: () => new own.WebTransport(at("transport").replace("http", "https")).ready,
    WebRTC: () => rtc(own),
    "WebRTC, old name": () => rtc(own, "webkitRTCPeerConnection"),
    "WebRTC of a frame": () => frame(document.createElement("iframe")),
    "WebRTC of a frame by namespace": () =>
      frame(
        /** @type {any} */ (document.createElementNS("http://www.w3.org/1999/xhtml", "iframe")),
      ),
    "WebRTC of a frame of markup": () => {
      document.body.insertAdjacentHTML("beforeend", "<iframe></iframe>");
      return rtc(own[0]);
    },
    "WebRTC of a frame of sane markup": () => {
      const box = /** @type {any} */ (make("div", {}));
      box.setHTML("<iframe></iframe>", { sanitizer: { elements: ["iframe"] } });
      return rtc(own[0]);
    },
    "WebRTC of a frame of a command": () => {
      make("div", { contentEditable: "true" }).focus();
      document.execCommand("insertHTML", false, "<iframe></iframe>");
      return rtc(own[0]);
    },
    "WebRTC of a frame that is extended": () => {
      class Own extends HTMLIFrameElement {}
      customElements.define("own-frame", Own, { extends: "iframe" });
      return frame(new Own());
    },
    "WebRTC of a frame of another document": () =>
      frame(document.implementation.createHTMLDocument("").createElement("iframe")),
    "WebRTC of a frameset": () => frame(document.createElement("frame")),
    "WebRTC of an object": () =>
      frame(Object.assign(document.createElement("object"), { data: "about:blank" })),
    "WebRTC of a window": () => rtc(window.open("about:blank")),
    "WebRTC of a window in a corner": () => own.documentPictureInPicture.requestWindow().then(rtc),
    XSLT: () => new own.XSLTProcessor(),
    image: () => make("img", { src: at("image") }),
    "image set": () => make("img", { srcset: `${at("srcset")} 2x` }),
    "SVG image": () => {
      const image = svg("image");
      image.setAttribute("href", at("svg"));
      const box = svg("svg");
      box.append(image);
      document.body.append(box);
    },
    favicon: () => link("icon"),
    script: () => make("script", { src: at("script") }),
    "module script": () => make("script", { type: "module", src: at("module") }),
    "inline script": () => make("script", { textContent: `fetch("${at("inline")}")` }),
    eval: () => (0, eval)(`fetch("${at("eval")}")`),
    timer: () => setTimeout(/** @type {any} */ (`fetch("${at("timer")}")`)),
    import: () => import(at("import")),
    "import of a blob": () => import(blob(`fetch("${at("blob")}")`)),
    handler: () => make("button", {}).setAttribute("onclick", `fetch("${at("handler")}")`),
    stylesheet: () => link("stylesheet"),
    "style element": () => make("style", { textContent: `@import "${at("style")}";` }),
    "sheet of its own": async () => {
      const sheet = new CSSStyleSheet();
      await sheet.replace(
        `@import "${at("sheet")}"; body { --a: url("${at("url")}"); background: var(--a); }`,
      );
      document.adoptedStyleSheets.push(sheet);
    },
    "CSS url": () =>
      (make("p", { textContent: "a" }).style.backgroundImage = `url("${at("css")}")`),
    "CSS image of a list": () =>
      (make("li", { textContent: "a" }).style.listStyleImage = `url("${at("list")}")`),
    "CSS cursor": () => (make("p", {}).style.cursor = `url("${at("cursor")}"), auto`),
    font: () => new FontFace("a", `url("${at("font")}")`).load(),
    audio: () => new Audio(at("audio")).load(),
    video: () => make("video", { src: at("video"), poster: at("poster"), preload: "auto" }),
    track: () =>
      make("video", {}).append(
        Object.assign(document.createElement("track"), { src: at("track"), default: true }),
      ),
    iframe: () => make("iframe", { src: at("iframe") }),
    object: () => make("object", { data: at("object") }),
    embed: () => make("embed", { src: at("embed") }),
    manifest: () => link("manifest"),
    preload: () => link("preload", { as: "fetch" }),
    modulepreload: () => link("modulepreload"),
    prefetch: () => link("prefetch"),
    preconnect: () => link("preconnect"),
    "dns-prefetch": () => link("dns-prefetch"),
    prerender: () => link("prerender"),
    speculation: () => {
      const rules = { prefetch: [{ source: "list", urls: [at("speculation")] }] };
      make("script", { type: "speculationrules", textContent: JSON.stringify(rules) });
    },
    form: () => {
      const form = /** @type {HTMLFormElement} */ (
        make("form", { action: at("form"), method: "post" })
      );
      form.submit();
    },
    ping: () => {
      const a = /** @type {HTMLAnchorElement} */ (make("a", { href: "#x", ping: at("ping") }));
      a.click();
    },
    base: async () => {
      document.head.append(Object.assign(document.createElement("base"), { href: `${url}/` }));
      const image = make("img", {});
      image.setAttribute("src", "base");
    },
    worker: () => new Worker(at("worker")),
    "worker of a blob": () => new Worker(blob(`fetch("${at("in-worker")}")`)),
    "shared worker": () => new SharedWorker(blob(`fetch("${at("shared")}")`)),
    worklet: () => CSS && /** @type {any} */ (CSS).paintWorklet.addModule(at("worklet")),
    "service worker": () => navigator.serviceWorker.register(at("service")),
    cache: async () => (await caches.open("x")).add(at("cache")),
    payment: () =>
      new own.PaymentRequest([{ supportedMethods: at("pay") }], {
        total: { label: "a", amount: { currency: "EUR", value: "1" } },
      }).canMakePayment(),
    credentials: () =>
      own.navigator.credentials.get({
        identity: { providers: [{ configURL: at("id"), clientId: "1" }] },
      }),
    "javascript: address": () => {
      /** @type {HTMLAnchorElement} */ (
        make("a", { href: `javascript:fetch("${at("js")}")` })
      ).click();
    },
    "wasm that asks": () => WebAssembly.compileStreaming(fetch(at("wasm"))),
    "second policy": () =>
      new Worker(
        own.trustedTypes
          .createPolicy("other", { createScriptURL: (/** @type {string} */ a) => a })
          .createScriptURL(at("policy")),
      ),
  };
  /** @type {Record<string, string>} */
  const told = {};
  for (const [name, way] of Object.entries(ways)) {
    const late = new Promise((done) => setTimeout(() => done("no answer"), 400));
    const tried = Promise.resolve()
      .then(way)
      .then(
        () => "no error",
        (error) => String(error).slice(0, 90),
      );
    told[name] = String(await Promise.race([tried, late]));
  }
  return told;
}

/** Runs in a worker. @param {[string, number]} place */
async function tryWorker([url, port]) {
  /** @type {any} */
  const own = globalThis;
  /** @type {Record<string, () => any>} */
  const ways = {
    fetch: () => fetch(`${url}/w-fetch`),
    XHR: () => {
      const request = new own.XMLHttpRequest();
      request.open("GET", `${url}/w-xhr`);
      request.send();
    },
    socket: () => new WebSocket(`${url.replace("http", "ws")}/w-socket`),
    EventSource: () => new own.EventSource(`${url}/w-events`),
    WebTransport: () => new own.WebTransport(`https://127.0.0.1:${port}/w`).ready,
    WebRTC: () => new own.RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${port}` }] }),
    import: () => import(`${url}/w-import`),
    worker: () => new own.Worker(`${url}/w-worker`),
    cache: async () => (await caches.open("x")).add(`${url}/w-cache`),
  };
  /** @type {Record<string, string>} */
  const told = {};
  for (const [name, way] of Object.entries(ways)) {
    const late = new Promise((done) => setTimeout(() => done("no answer"), 400));
    const tried = Promise.resolve()
      .then(way)
      .then(
        () => "no error",
        (error) => String(error).slice(0, 90),
      );
    told[name] = String(await Promise.race([tried, late]));
  }
  return told;
}

const bare = { roots: [String(DOUBLE[0]), SITE], headers: false };

test("no way out of page and workers, on a host that sends no headers", async (t) => {
  const { url, port, arrived } = await counters(t);
  const { page, state } = await visit(t, { server: bare, expected: /./ });
  await state("ready");
  const [worker] = page.workers();
  assert.ok(worker, "the engine's");
  const inWorker = await worker.evaluate(tryWorker, /** @type {[string, number]} */ ([url, port]));
  const inPage = await page.evaluate(tryPage, /** @type {[string, number]} */ ([url, port]));
  await new Promise((done) => setTimeout(done, ARRIVES_MS));
  for (const [name, told] of Object.entries(inPage)) t.diagnostic(`${name}: ${told}`);
  const tried = Object.keys(inPage).length + Object.keys(inWorker).length;
  t.diagnostic(`${tried} ways tried, ${arrived.length} arrivals`);
  assert.deepEqual(arrived, []);
  assert.ok(tried >= 35);
  assert.equal(page.frames().length, 1, "no frame was made");
});

test("the same ways arrive where nothing stops them: the count means something", async (t) => {
  const { url, port, arrived } = await counters(t);
  const { page } = await visit(t, { server: bare });
  const plain = await elsewhere(t, page, "");
  await plain.evaluate(async ([url, port]) => {
    await fetch(`${url}/fetch`, { mode: "no-cors" }).catch(() => {});
    document.body.append(Object.assign(document.createElement("img"), { src: `${url}/image` }));
    const frame = document.createElement("iframe");
    document.body.append(frame);
    const { RTCPeerConnection: Peer } = /** @type {any} */ (frame.contentWindow);
    const peer = new Peer({ iceServers: [{ urls: `stun:127.0.0.1:${port}` }] });
    peer.createDataChannel("out");
    await peer.setLocalDescription(await peer.createOffer());
  }, /** @type {[string, number]} */ ([url, port]));
  const whats = [/tcp GET \/fetch/, /tcp GET \/image/, /udp/];
  // A slow machine may take longer: what is not stopped arrives all the same.
  const came = () => whats.every((what) => arrived.some((one) => what.test(one)));
  for (let tries = 0; tries < 40 && !came(); tries++)
    await new Promise((done) => setTimeout(done, ARRIVES_MS));
  for (const what of whats)
    assert.ok(
      arrived.some((one) => what.test(one)),
      `${what} among ${arrived}`,
    );
});

test("navigation and new tabs, which nothing can stop, are named under Privacy", async (t) => {
  const { url, arrived } = await counters(t);
  /** @type {Record<string, (address: string) => void>} */
  const ways = {
    location: (address) => void (location.href = address),
    "window.open": (address) => void window.open(address),
    link: (address) => {
      const link = document.createElement("a");
      link.href = address;
      document.body.append(link);
      link.click();
    },
    refresh: (address) => {
      const meta = document.createElement("meta");
      meta.httpEquiv = "refresh";
      meta.content = `0; url=${address}`;
      document.head.append(meta);
    },
  };
  for (const [name, way] of Object.entries(ways)) {
    const { page, state } = await visit(t, { server: bare, expected: /./ });
    await state("ready");
    const before = arrived.length;
    await page.evaluate(way, `${url}/${encodeURIComponent(name)}`);
    await new Promise((done) => setTimeout(done, ARRIVES_MS));
    t.diagnostic(`${name}: ${arrived.length > before ? "arrived" : "did not arrive"}`);
  }
  const { page, state } = await visit(t, { server: bare });
  await state("ready");
  await page.locator('[data-view="privacy"]').click();
  await page.getByText("The browser’s rules for this page").click();
  await page
    .getByText(/leads this tab to another\s+address, or\s+opens one in a new tab/)
    .waitFor();
});

test("in another page's frame it does not run, and says how to open it on its own", async (t) => {
  const { page, site } = await visit(t, { server: bare });
  const outer = await elsewhere(t, page, `<iframe src="${site.url}"></iframe>`);
  const inside = outer.frameLocator("iframe");
  await inside.getByText(/does not run inside another page/).waitFor();
  assert.equal(await inside.getByRole("button").count(), 0);
  const opening = outer.waitForEvent("popup");
  await inside.getByRole("link", { name: "Open it on its own" }).click();
  await (await opening).locator('html[data-state="ready"]').waitFor({ timeout: 60_000 });
});
