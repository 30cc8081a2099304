// Texts of the images of one run.

export const text = {
  title: () => "Images of this run",
  image: (/** @type {number} */ number, /** @type {number} */ of) =>
    `Show image ${number} of ${of}`,
};
