// Texts of the form about settings that a sampler does not have.

export const abilitiesText = {
  lacks: () => "The chosen sampler has no such setting.",
};
