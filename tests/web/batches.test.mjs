// Several pictures of one request, through the engine's client in a real browser: worker, wasm,
// WebGPU. The page's own engine is another one, which has the same tokenizer and computes nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { difference, testModels } from "./harness/native.mjs";
import { decodePng } from "./harness/png.mjs";
import { PICTURE_MS, SITE, visit } from "./harness/site.mjs";

const models = await testModels();

/** A file that a model may have or not is asked for, and browsers put the answer on the console. */
const visitTiny = {
  server: { roots: [models, SITE] },
  hash: "#model=models/tiny&device=cpu",
  device: /** @type {const} */ ("cpu"),
  patience: PICTURE_MS,
  expected: /404/,
};

/** Its seeds end beyond what JavaScript's numbers hold. */
const REQUEST = { prompt: "a cat", seed: "9007199254740992", steps: 2, guidance_scale: 5 };
const COUNT = 3;
const SEEDS = ["9007199254740992", "9007199254740993", "9007199254740994"];

test("a count's pictures come in order, each with its seed; tokens are counted", async (t) => {
  const { page, state } = await visit(t, visitTiny);
  await state("ready");
  const told = await page.evaluate(
    async ({ request, count, seeds }) => {
      const address = new URL("engine/client.js", document.baseURI).href;
      /** @type {typeof import("../../web/engine/client.js")} */
      const { Engine } = await import(address);
      const engine = new Engine();
      await engine.open("models/tiny/", { device: "webgpu" });
      /** @type {{ index: number, png: number[], resolved: boolean }[]} */
      const events = [];
      let resolved = false;
      /** @type {(progress: import("../../web/engine/protocol.js").Progress) => void} */
      const onProgress = (progress) => {
        if (progress.event !== "picture") return;
        const { index, picture } = progress;
        events.push({ index, png: [...picture.png], resolved });
      };
      const last = await engine.generate({ ...request, count }, { onProgress });
      resolved = true;
      const singles = [];
      for (const seed of seeds) {
        const { png } = await engine.generate({ ...request, seed });
        singles.push([...png]);
      }
      const long = "word ".repeat(100);
      const cut = await engine.tokens(long);
      const chunks = await engine.tokens(long, { long_prompt: "chunks" });
      const weighted = await engine.tokens("(a:1.5) cat", { prompt_syntax: "a1111" });
      const wrong = await engine.tokens("a", { long_prompt: "scroll" }).catch((error) => error);
      const memory = (await engine.memory()) ?? 0;
      engine.dispose();
      const { kind, field } = /** @type {any} */ (wrong);
      const counts = { cut, chunks, weighted, wrong: { kind, field } };
      return { events, last: [...last.png], singles, memory, ...counts };
    },
    { request: REQUEST, count: COUNT, seeds: SEEDS },
  );
  assert.deepEqual(
    told.events.map(({ index, resolved }) => [index, resolved]),
    [
      [0, false],
      [1, false],
    ],
  );
  const pngs = [...told.events.map(({ png }) => png), told.last];
  const pictures = pngs.map((png) => decodePng(Buffer.from(png)));
  const singles = told.singles.map((png) => decodePng(Buffer.from(png)));
  for (const [k, picture] of pictures.entries()) {
    const request = JSON.parse(picture.texts.get("darkroom"));
    assert.equal(request.seed, SEEDS[k], `picture ${k}`);
    assert.equal(request.count ?? 1, 1, `picture ${k} is made again alone`);
    const single = singles[k];
    assert.ok(single && difference(picture, single) <= 1, `picture ${k} is not that of its seed`);
    const other = singles[(k + 1) % COUNT];
    assert.ok(other && difference(picture, other) > 1, "two seeds give one picture");
  }

  assert.ok(told.memory > 0, "graphics memory is counted");
  assert.deepEqual({ ...told.cut, cut: null }, { used: 75, room: 75, chunks: 1, cut: null });
  assert.equal(told.cut.cut?.trim(), "word ".repeat(25).trim());
  assert.deepEqual(told.chunks, { used: 100, room: 150, chunks: 2, cut: null });
  assert.deepEqual(told.weighted, { used: 2, room: 75, chunks: 1, cut: null });
  assert.deepEqual(told.wrong, { kind: "request", field: "long prompt" });
});
