// The model card: what the models are, how they were trained, what they should and should not be
// used for. The facts about Stable Diffusion v1.4 are from its published card and papers.

/** @type {{ title: string, text: (string | string[])[] }[]} */
export const CARD = [
  {
    title: "The built-in model",
    text: [
      "Small, with the topology of Stable Diffusion v1.4, trained by this project from nothing: " +
        "it draws icons of 420 things, 128 × 128 pixels: emoji, silhouettes and outlines on a " +
        "ground of one colour. It is here so that everything can be tried at once. Its icons " +
        "come from Fluent Emoji (MIT) and Material Design Icons (Apache-2.0); no published " +
        "weights and no images of people were used.",
    ],
  },
  {
    title: "Stable Diffusion v1.4",
    text: [
      "A latent diffusion model by CompVis, Stability AI and Runway, of August 2022: an " +
        "autoencoder (8 times smaller), a UNet of 860 million parameters, and the text encoder " +
        "of CLIP ViT-L/14 (123 million). It learns to undo noise in the autoencoder’s latents, " +
        "guided by the text (arXiv 2112.10752), and is steered by classifier-free guidance " +
        "(arXiv 2207.12598).",
      "Training data: LAION-2B (English) and subsets of it chosen by a resolution of at least " +
        "512 × 512 and by estimated beauty; v1.4 was trained 225,000 steps at 512 × 512 on " +
        "“laion-aesthetics v2 5+”, with a tenth of the captions left out. LAION is a list of " +
        "images from the web, gathered by program; it was later found to contain illegal and " +
        "private material, which nobody had consented to.",
    ],
  },
  {
    title: "What it is for",
    text: [
      "Its licence (CreativeML OpenRAIL-M) allows use, also commercial, within its rules. Meant: " +
        "research on safe and biased generation, art, design, education.",
      "Forbidden by the licence, among others:",
      [
        "to exploit or harm minors in any way;",
        "to spread false information in order to harm others;",
        "to make personal information that can harm someone;",
        "to defame, disparage or harass others;",
        "to discriminate against people for what they are or are thought to be;",
        "to give medical advice, to administer justice, or to break the law.",
      ],
    ],
  },
  {
    title: "What it cannot do",
    text: [
      [
        "legible text, counting, and “a red cube on a blue sphere”;",
        "faces, hands and people as a whole, often;",
        "languages other than English, far less well;",
        "facts: an image of an event is no evidence of it;",
        "photorealism in every part: the autoencoder loses detail.",
      ],
      "It repeats the biases of its data: people and places of the Western, English-speaking web " +
        "stand for all others, and occupations come with stereotypes. Some training images " +
        "that occur many times can be drawn from memory.",
    ],
  },
  {
    title: "Beside newer models",
    text: [
      "SDXL, SD 3, FLUX and their kin draw larger images, follow long prompts and write " +
        "legible words; they need three to twelve times the memory. v1.4 is the one that fits " +
        "into a browser on an ordinary graphics card, and the one that papers compare with.",
    ],
  },
  {
    title: "Where this was tested",
    text: [
      [
        "Tested: Chromium and Firefox 153 on Linux, with software graphics adapters; WebKitGTK " +
          "2.50, on the CPU.",
        "Not tested here: Chrome and Edge on Windows, macOS and Android; Safari 26; Firefox on " +
          "Windows and macOS. They have what the page needs by their documentation.",
      ],
    ],
  },
];
