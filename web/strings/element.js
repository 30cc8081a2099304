// What <darkroom-image> says by itself; the rest comes from the engine.

export const text = {
  noModel: () =>
    "The attribute model is required: the address of a model's folder, such as models/demo/, or " +
    "of a .safetensors, .ckpt or .gguf file.",
};
