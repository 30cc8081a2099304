// The start images before the present one, each with its mask. They can be had back, the latest
// first.

import { readSteps } from "../request/draft.js";

/** How many there are at most. */
const MOST = 20;

/** @typedef {import("../request/draft.js").Start} Start */

/** Whether both are one image with one mask. @param {Start} a @param {Start} b */
export const same = (a, b) => a.initial === b.initial && a.mask === b.mask;

export class FormerStarts {
  /** The latest last. @type {Start[]} */
  #all = [];

  /** Those that are not the present one. @param {Start} now */
  before(now) {
    return this.#all.filter((one) => !same(one, now));
  }

  /** The present one can be had back, once another takes its place. @param {Start} now */
  add(now) {
    const last = this.#all.at(-1);
    if (now.initial && !(last && same(last, now))) this.#all = [...this.#all, now].slice(-MOST);
  }

  /** One whose file is gone would stand in the way of those before it. @param {Start} former */
  forget(former) {
    this.#all = this.before(former);
  }

  /**
   * One has become the present one, whose place it took. That becomes the oldest, so that one gets
   * to each of them in turn.
   * @param {Start} former
   * @param {Start} present
   */
  turn(former, present) {
    const others = this.#all.filter((one) => !same(one, former) && !same(one, present));
    this.#all = [...(present.initial ? [present] : []), ...others];
  }

  /**
   * The mask of one was still on its way when another image took its place.
   * @param {Start} late
   * @returns {boolean} whether it is among them
   */
  mask(late) {
    const at = this.#all.findLastIndex(({ initial }) => initial === late.initial);
    if (at >= 0) this.#all = this.#all.with(at, late);
    return at >= 0;
  }

  clear() {
    this.#all = [];
  }

  /** As text, for the draft. */
  text() {
    return this.#all.length ? JSON.stringify(this.#all) : "";
  }

  /** Has those of a draft. @param {string} text */
  read(text) {
    this.#all = readSteps(text);
  }
}
