// Texts of <darkroom-image>; other texts come from the engine.

export const text = {
  otherSite: () =>
    " That site must send Access-Control-Allow-Origin and Access-Control-Expose-Headers: " +
    "Content-Range.",
  noModel: () =>
    "The attribute model is required: the address of a model's folder, such as models/demo/, or " +
    "of a .safetensors, .ckpt or .gguf file.",
};
