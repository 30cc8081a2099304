// The numbers by which a template's choices are made: sfc32 (Doty-Humphrey's Small Fast Counting
// generator), begun with the picture's seed and the name of the field. The same seed and template
// give the same text, in every browser.

const ROUNDS = 20;

/**
 * A function that returns numbers from 0 up to, not including, 1.
 * @param {string} seed a whole number as text; any other text counts as well
 * @param {string} field
 * @returns {() => number}
 */
export function randomOf(seed, field) {
  const number = /^\d{1,40}$/.test(seed) ? BigInt(seed) : BigInt(hashOf(seed));
  let a = Number(number & 0xffffffffn) | 0;
  let b = Number((number >> 32n) & 0xffffffffn) | 0;
  let c = hashOf(field) | 0;
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < ROUNDS; i++) next();
  return next;
}

/** FNV-1a of 32 bits. @param {string} text */
function hashOf(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++)
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
