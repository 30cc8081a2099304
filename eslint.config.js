// What the JavaScript of the page, of the scripts and of the tests is checked for, beside its types.

import js from "@eslint/js";
import globals from "globals";

/** Lines of a function, without comments and empty lines. */
const FUNCTION_LINES_MAX = 80;

const rules = {
  ...js.configs.recommended.rules,
  eqeqeq: "error",
  "max-lines-per-function": [
    "error",
    { max: FUNCTION_LINES_MAX, skipBlankLines: true, skipComments: true, IIFEs: true },
  ],
  "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
};

export default [
  { ignores: ["dist/", "target/", "web/pkg/", "web/models/", "node_modules/", "crate/"] },
  { files: ["**/*.js", "**/*.mjs"], rules },
  { files: ["web/**/*.js"], languageOptions: { globals: { ...globals.browser, ...globals.worker } } },
  { files: ["web/sw.js"], languageOptions: { globals: globals.serviceworker } },
  { files: ["scripts/**/*.mjs", "tests/**/*.mjs", "*.js"], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
];
