// The worker of the npm module, bundled into one file by scripts/pack.mjs: the same scripts, in the
// same order, as web/engine/start.js gives the site's.

import "../../web/guard.js";
import "../../web/engine/watched.js";
import "../../web/engine/worker.js";
