// A page whose element is drawn in the browser; the server renders only its tag.

"use client";

import { Engine } from "darkroom";
import "darkroom/element";
import { useEffect } from "react";

export default function Page() {
  useEffect(() => {
    Object.assign(globalThis, { Engine });
  }, []);
  return <darkroom-image model="/models/demo/" prompt="a red heart" steps="2" />;
}
