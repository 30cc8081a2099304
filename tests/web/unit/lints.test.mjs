// The lints refuse every way by which a text of the page could become markup or code.

import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { ESLint } from "eslint";

const root = join(import.meta.dirname, "../../..");

/** What the lints say of a line in the page. @param {string} line */
async function said(line) {
  const eslint = new ESLint({ cwd: root });
  const source = `export function act(box, text) {\n  ${line}\n}\n`;
  const [result] = await eslint.lintText(source, { filePath: join(root, "web/views/made_up.js") });
  const found = result?.messages ?? [];
  return found
    .filter(({ ruleId }) => ruleId === "no-restricted-syntax")
    .map(({ message }) => message);
}

test("no text becomes markup or code", async () => {
  for (const line of [
    "box.innerHTML = text;",
    'box["outerHTML"] = text;',
    'box.insertAdjacentHTML("beforeend", text);',
    "Object.assign(box, { innerHTML: text });",
    "box.setHTMLUnsafe(text);",
    "Document.parseHTMLUnsafe(text);",
    "document.write(text);",
    "box.srcdoc = text;",
    "document.createRange().createContextualFragment(text);",
    'new DOMParser().parseFromString(text, "text/html");',
    'document.execCommand("insertHTML", false, text);',
    "box.act = eval(text);",
    "box.act = new Function(text);",
    'setTimeout("box.act()", 10);',
  ])
    assert.match((await said(line)).join(), /^No text becomes (markup|code)/, line);
  assert.deepEqual(await said("box.textContent = text;"), []);
  assert.deepEqual(await said("setTimeout(() => box.append(text), 10);"), []);
});
