// Runs in every worker, before its own script: tells the page of each request.

import { watchRequests } from "./requests.js";

watchRequests((requests) => self.postMessage({ news: { requests } }));
