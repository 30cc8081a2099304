// Opens the page in WebKit, with what WebKit always tells of.

import { opener } from "../flows/open.mjs";

// WebKitGTK is built without web app manifests. And it also tells of the engine's requests: that a
// model has no such file is an answer.
const expected = /directive 'manifest-src'|^404 \S+\/models\/\S+\.json$/;

export const open = opener({ engine: "webkit", expected });
export const openPrivate = opener({ engine: "webkit", isPrivate: true, expected });
