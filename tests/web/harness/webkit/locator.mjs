// Elements of a page in WebKit, found anew for each action: of Playwright's locators what the tests
// use.

import { elementsOf } from "./elements.mjs";

/** @typedef {import("./elements.mjs").Step} Step */
/** @typedef {{ timeout?: number }} Patience */

/** Keys by their names, as WebDriver writes them. */
const KEYS = { Enter: "\uE007", Tab: "\uE004", Escape: "\uE00C", Space: " " };
const FINDS = `const elementsOf = ${elementsOf};`;

/** @param {string} key */
export const keyCode = (key) => KEYS[/** @type {keyof typeof KEYS} */ (key)] ?? key;

export class Locator {
  /** @param {import("./page.mjs").WebKitPage} page @param {Step[]} steps */
  constructor(page, steps) {
    this.page = page;
    this.steps = steps;
  }

  /** @param {Step} step */
  #with(step) {
    return new Locator(this.page, [...this.steps, step]);
  }

  /** @param {string} css */
  locator(css) {
    return this.#with({ css });
  }

  first() {
    return this.#with({ first: true });
  }

  /** @param {Locator} other */
  or(other) {
    return this.#with({ or: other.steps });
  }

  /** @param {Locator} other */
  and(other) {
    return this.#with({ and: other.steps });
  }

  /** @param {{ hasText?: string | RegExp, visible?: true }} kept */
  filter({ hasText, visible }) {
    if (visible) return this.#with({ visible });
    const pattern =
      hasText instanceof RegExp
        ? hasText
        : new RegExp(String(hasText).replace(/[^\w\s]/g, "\\$&"), "i");
    return this.#with({ hasText: { source: pattern.source, flags: pattern.flags } });
  }

  /**
   * Calls a function with the elements.
   * @param {string | Function} act gets all elements, and the argument
   * @param {any} [arg]
   * @returns {Promise<any>}
   */
  #all(act, arg = null) {
    const text = `(all) => { ${FINDS} return (${act})(elementsOf(all.steps), all.arg); }`;
    return this.page.evaluateText(text, { steps: this.steps, arg });
  }

  /**
   * Calls a function with the one element, once it is there.
   * @param {Function} act
   * @param {any} [arg]
   * @param {Patience} [patience]
   * @returns {Promise<any>}
   */
  async evaluate(act, arg, patience) {
    const one = `([one, ...more], arg) =>
      !one ? null : more.length ? { many: more.length + 1 } : { value: (${act})(one, arg) }`;
    const found = await this.page.until(`one ${this}`, () => this.#all(one, arg), patience);
    if ("many" in found) throw new Error(`${this} means ${found.many} elements`);
    return found.value;
  }

  toString() {
    return JSON.stringify(this.steps);
  }

  /** @param {Patience} [patience] @returns {Promise<string>} */
  textContent(patience) {
    return this.evaluate((/** @type {Element} */ one) => one.textContent, null, patience);
  }

  /** @returns {Promise<string>} */
  inputValue() {
    return this.evaluate((/** @type {HTMLInputElement} */ one) => one.value);
  }

  /** @returns {Promise<boolean>} */
  isVisible() {
    const act = (/** @type {Element[]} */ all) => all.length > 0;
    return this.filter({ visible: true }).#all(act);
  }

  /** Waits until it is seen. @param {Patience} [patience] */
  async waitFor(patience) {
    await this.page.until(`${this} to be seen`, () => this.isVisible(), patience);
  }

  /** The element, once it is there, as WebDriver names it. @returns {Promise<string>} */
  async #element() {
    const first = (/** @type {Element[]} */ [one]) => one ?? null;
    const found = await this.page.until(String(this), () => this.#all(first));
    return String(Object.values(found)[0]);
  }

  /**
   * With the mouse, once it is seen and not disabled. One that the page made anew before it was
   * clicked is found again, as in Playwright.
   */
  async click() {
    const seen = this.filter({ visible: true }).and(this.page.locator(":not(:disabled)"));
    const click = async () => {
      await this.page.command(`element/${await seen.#element()}/click`);
      return true;
    };
    await this.page.until(`a click on ${this}`, click);
  }

  /** Focuses it, and presses a key. @param {string} key */
  async press(key) {
    await this.evaluate((/** @type {HTMLElement} */ one) => one.focus());
    await this.page.keyboard.press(key);
  }

  /** What the browser tells a screen reader. @returns {Promise<{ role: string, name: string }>} */
  async told() {
    const at = `element/${await this.#element()}`;
    return {
      role: await this.page.asked(`${at}/computedrole`),
      name: await this.page.asked(`${at}/computedlabel`),
    };
  }

  /** @param {string} value */
  async fill(value) {
    const act = (/** @type {HTMLInputElement} */ one, /** @type {string} */ value) => {
      one.focus();
      one.value = value;
      one.dispatchEvent(new Event("input", { bubbles: true }));
      one.dispatchEvent(new Event("change", { bubbles: true }));
    };
    await this.evaluate(act, value);
  }

  /** @param {string} value */
  selectOption(value) {
    return this.fill(value);
  }
}
