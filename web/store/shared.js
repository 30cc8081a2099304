// The page's one connection to the store: each starts a worker with a wasm instance of its own.

import { Store } from "./client.js";

/** @type {Store | null} */
let one = null;

/** The store of this page; its worker starts with the first call. */
export const theStore = () => (one ??= new Store());
