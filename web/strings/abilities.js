// Texts of the form about settings that a sampler does not have, and what it has without them.

export const abilitiesText = {
  lacks: () => "The chosen sampler has no such setting.",
  /** The eta where none is typed. @param {string} sampler */
  eta: (sampler) => (sampler === "tcd" ? "0.3" : "0"),
};
