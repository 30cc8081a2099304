// Uses the client and the element as a project does.

import { Engine } from "darkroom";
import "darkroom/element";

Object.assign(globalThis, { Engine });
