// The record of an image that is enlarged: of its own file, and of what it was before.

import assert from "node:assert/strict";
import test from "node:test";
import { recordOf } from "../../../web/enlarge/record.js";
import { enlargements, hasRequest } from "../../../web/storage/known.js";

const SHA = "ab".repeat(32);

test("this program's file gives its request and what was used beside it", () => {
  const texts = new Map(
    Object.entries({
      darkroom: { prompt: "a fox", seed: "18446744073709551615", steps: 2 },
      "darkroom-loras": [{ name: "paint", weight: 0.5, text_encoder_weight: 0.5, sha256: SHA }],
      "darkroom-controls": [{ name: "edges", sha256: SHA, weight: 0.8, preprocess: "canny" }],
      "darkroom-parts": [{ part: "vae", name: "other", sha256: SHA }, { part: 1 }, null],
      "darkroom-model": { title: "Demo", repository: null, revision: 7, sha256: SHA },
    }).map(([keyword, value]) => [keyword, JSON.stringify(value)]),
  );
  const { request, controls, parts, provenance } = recordOf(texts);
  assert.deepEqual(
    [request.prompt, request.seed, request.steps],
    ["a fox", "18446744073709551615", 2],
  );
  assert.equal(/** @type {any} */ (request).loras, `paint#${SHA.slice(0, 12)}:0.5`);
  assert.deepEqual(
    controls?.map(({ name, weight, preprocess }) => [name, weight, preprocess]),
    [["edges", "0.8", "canny"]],
  );
  assert.deepEqual(parts, [{ part: "vae", name: "other", sha256: SHA }]);
  assert.deepEqual(provenance, { title: "Demo", repository: null, revision: null, sha256: SHA });
});

test("another program's file gives its request, without a seed that it does not have", () => {
  const { request } = recordOf(
    new Map([["parameters", "a fox\nSteps: 3, Sampler: Euler, CFG scale: 7"]]),
  );
  assert.deepEqual([request.prompt, request.steps, request.seed], ["a fox", 3, ""]);
  assert.ok(hasRequest({ request }));
});

test("a photo has no request", () => {
  for (const texts of [[], [["darkroom", "{"]], [["parameters", ""]]]) {
    const record = recordOf(new Map(/** @type {[string, string][]} */ (texts)));
    assert.deepEqual(record, { request: { prompt: "", seed: "" } });
    assert.equal(hasRequest(record), false);
  }
});

test("an image has all upscalers that enlarged it, also as an earlier version stored them", () => {
  const [one, two] = [1, 2].map((factor) => ({ name: "x", sha256: SHA, factor }));
  assert.ok(one && two);
  assert.deepEqual(enlargements({}), []);
  assert.deepEqual(enlargements({ enlarged: one }), [one]);
  assert.deepEqual(enlargements({ enlarged: [one, two] }), [one, two]);
});
