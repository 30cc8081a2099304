// What the JavaScript of the page, of the scripts and of the tests is checked for, beside its types:
//   node_modules/.bin/eslint .

import js from "@eslint/js";
import globals from "globals";

/** Lines of a function, without comments and empty lines. */
const FUNCTION_LINES_MAX = 80;

const everywhere = {
  ...js.configs.recommended.rules,
  eqeqeq: "error",
  "max-lines-per-function": [
    "error",
    { max: FUNCTION_LINES_MAX, skipBlankLines: true, skipComments: true, IIFEs: true },
  ],
  "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
  "no-var": "error",
  "prefer-const": "error",
};

/** What the root element shows for programs and style sheets. */
const SHOWN =
  'MemberExpression[object.property.name="dataset"][property.value=/^(state|device|shown)$/]';
const FROM_DOM = "The state is in state/page.js; what the root element shows is not read back.";
const MARKUP = "No text becomes markup: use textContent and element().";
const MARKUP_NAMES =
  "/^((inner|outer)HTML|insertAdjacentHTML|(set|parse)HTML(Unsafe)?|srcdoc|" +
  "createContextualFragment|parseFromString)$/";
const CODE = "No text becomes code.";

const inThePage = {
  "no-restricted-syntax": [
    "error",
    { selector: `:not(AssignmentExpression, UnaryExpression) > ${SHOWN}`, message: FROM_DOM },
    { selector: `AssignmentExpression > ${SHOWN}.right`, message: FROM_DOM },
    { selector: `MemberExpression > Literal[value=${MARKUP_NAMES}]`, message: MARKUP },
    { selector: `MemberExpression[property.name=${MARKUP_NAMES}]`, message: MARKUP },
    { selector: "Property[key.name=/^(inner|outer)HTML$|^srcdoc$/]", message: MARKUP },
    { selector: 'NewExpression[callee.name="DOMParser"]', message: MARKUP },
    { selector: "MemberExpression[object.name=document][property.name=/^write/]", message: MARKUP },
    { selector: "CallExpression > Literal[value=insertHTML]", message: MARKUP },
    { selector: 'NewExpression[callee.name="Function"]', message: CODE },
    { selector: "CallExpression[callee.name=/^(eval|Function)$/]", message: CODE },
    {
      selector: "CallExpression[callee.name=/^set(Timeout|Interval)$/] > Literal:first-child",
      message: CODE,
    },
  ],
};

/** What the browser keeps is asked for in one place. */
const inViews = {
  "no-restricted-globals": [
    "error",
    { name: "localStorage", message: "Use storage/settings.js." },
    { name: "indexedDB", message: "Use storage/indexed_db.js." },
  ],
};

export default [
  { ignores: ["dist/", "target/", "crate/", "web/pkg/", "web/models/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  { files: ["**/*.js", "**/*.mjs"], rules: everywhere },
  {
    files: ["web/**/*.js", "scripts/package/*.js", "tests/web/double/**/*.js"],
    languageOptions: { globals: { ...globals.browser, ...globals.worker } },
    rules: inThePage,
  },
  { files: ["web/**/*.js"], ignores: ["web/storage/*.js"], rules: inViews },
  { files: ["web/sw.js"], languageOptions: { globals: globals.serviceworker } },
  {
    // Functions of tests and measurements run in the page as well.
    files: ["scripts/**/*.mjs", "tests/**/*.mjs"],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
];
