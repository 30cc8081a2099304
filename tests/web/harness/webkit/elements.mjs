// Which elements of a page a locator means. Runs in the page.

/**
 * A part of a locator. Each takes the elements found before it, and gives those that it keeps of
 * them, or those inside them.
 * @typedef {{ css: string } | { role: string, name?: string, exact?: boolean } | { text: string } |
 *   { hasText: { source: string, flags: string } } | { visible: true } | { first: true } |
 *   { or: Step[] } | { and: Step[] }} Step
 */

/**
 * @param {Step[]} steps
 * @returns {Element[]}
 */
export function elementsOf(steps) {
  const HTML = { button: "button,[role=button]", link: "a[href]", alert: "[role=alert]" };
  const plain = (/** @type {string | null | undefined} */ text) =>
    (text ?? "").replace(/\s+/g, " ").trim();
  const visible = (/** @type {Element} */ element) =>
    element.getClientRects().length > 0 && getComputedStyle(element).visibility === "visible";
  const textOf = (/** @type {string | null | undefined} */ ids) =>
    (ids ?? "")
      .split(" ")
      .map((id) => document.getElementById(id)?.textContent)
      .join(" ");
  const nameOf = (/** @type {Element} */ element) =>
    plain(textOf(element.getAttribute("aria-labelledby"))) ||
    plain(element.getAttribute("aria-label") ?? element.textContent);
  const same = (/** @type {string} */ found, /** @type {string} */ wanted, exact = false) =>
    exact ? found === wanted : found.toLowerCase().includes(wanted.toLowerCase());

  /** @param {Element[]} roots @param {string} css */
  const inside = (roots, css) => roots.flatMap((root) => [...root.querySelectorAll(css)]);

  /** @param {Element[]} found @param {Step} step @returns {Element[]} */
  function apply(found, step) {
    if ("css" in step)
      return found[0] === document.documentElement && found.length === 1
        ? [...document.querySelectorAll(step.css)]
        : inside(found, step.css);
    if ("role" in step) {
      const { role, name = "", exact } = step;
      const all = inside(found, HTML[/** @type {keyof typeof HTML} */ (role)]);
      return all.filter((one) => visible(one) && same(nameOf(one), name, exact));
    }
    if ("text" in step) {
      const has = (/** @type {Element} */ one) => same(plain(one.textContent), step.text);
      return inside(found, "*").filter((one) => has(one) && ![...one.children].some(has));
    }
    if ("hasText" in step) {
      const wanted = new RegExp(step.hasText.source, step.hasText.flags);
      return found.filter((one) => wanted.test(plain(one.textContent)));
    }
    if ("visible" in step) return found.filter(visible);
    if ("first" in step) return found.slice(0, 1);
    if ("or" in step) return [...new Set([...found, ...all(step.or)])];
    const others = all(step.and);
    return found.filter((one) => others.includes(one));
  }

  /** @param {Step[]} steps */
  function all(steps) {
    /** @type {Element[]} */
    let found = [document.documentElement];
    for (const step of steps) found = apply(found, step);
    return found;
  }

  return all(steps);
}
