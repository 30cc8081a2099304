// What the record of an image says of how it was made.

/**
 * The upscalers that have enlarged an image, in their order.
 * @param {{ enlarged?: import("./images.js").SavedImage["enlarged"] }} image
 */
export const enlargements = ({ enlarged = [] }) => [enlarged].flat();

/**
 * Whether it is known what made an image: of a photo that was enlarged it is not.
 * @param {{ request: import("../engine/protocol.js").Request }} image
 */
export const hasRequest = ({ request: { prompt, seed } }) => prompt !== "" || seed !== "";
