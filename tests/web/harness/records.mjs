// One request as several programs write it into their pictures.

/** What each of the records below asks for. */
export const CAT = {
  prompt: "a cat — 猫",
  negative_prompt: "blurry, grey",
  steps: "30",
  seed: "42",
};
const graph = {
  3: {
    inputs: {
      seed: ["9", 0],
      steps: 30,
      cfg: 6.5,
      sampler_name: "dpmpp_2m",
      scheduler: "karras",
      positive: ["6", 0],
      negative: ["7", 0],
      latent_image: ["5", 0],
    },
  },
  5: { inputs: { width: 64, height: 96, batch_size: 1 } },
  6: { inputs: { text: ["8", 0], clip: ["4", 1] } },
  7: { inputs: { text: CAT.negative_prompt, clip: ["4", 1] } },
  8: { inputs: { text: CAT.prompt } },
  9: { inputs: { seed: 42 } },
};
const invoke = {
  positive_prompt: CAT.prompt,
  negative_prompt: CAT.negative_prompt,
  steps: 30,
  cfg_scale: 6.5,
  seed: 42,
  width: 64,
  height: 96,
  scheduler: "dpmpp_2m_k",
};
const a1111 =
  `${CAT.prompt}\nNegative prompt: ${CAT.negative_prompt}\nSteps: 30, Sampler: ` +
  `DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 42, Size: 64x96, Model: "a, b"`;
// As a node that saves pictures for other sites writes it, beside ComfyUI's own graph.
const saver =
  `${CAT.prompt}\nNegative prompt: ${CAT.negative_prompt}\nSteps: 30, Sampler: ` +
  "DPM++ 2M Karras, CFG Scale: 6.5, Seed: 42, Size: 64x96, Model hash: 0123456789, " +
  "Model: v1-4, Version: ComfyUI";
const noPrompts = JSON.stringify({ 1: { class_type: "Note", inputs: {} } });
const darkroom = {
  ...CAT,
  steps: 30,
  guidance_scale: 6.5,
  sampler: "dpmpp_2m",
  karras: true,
  width: 64,
  height: 96,
};

/** Programs, each with the texts of a PNG file. @type {[string, Record<string, string>][]} */
export const RECORDS = [
  ["AUTOMATIC1111", { parameters: a1111 }],
  ["ComfyUI", { prompt: JSON.stringify(graph) }],
  ["ComfyUI", { prompt: noPrompts, workflow: "{}", parameters: saver }],
  ["InvokeAI", { invokeai_metadata: JSON.stringify(invoke) }],
  ["Darkroom", { darkroom: JSON.stringify(darkroom) }],
];
