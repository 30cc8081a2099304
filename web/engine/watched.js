// Runs in every worker before its own script: reports each network request to the page.

import { watchRequests } from "./requests.js";

watchRequests((requests) => self.postMessage({ news: { requests } }));
