#!/usr/bin/env python3
"""Writes tests/golden: what torch, numpy, diffusers and transformers answer, for our tests.

    scripts/golden.py            all of them
    scripts/golden.py NAME ...   only these: the modules of scripts/golden

Each module has a function write(out), which puts small files into the folder `out`, each naming
this script. Needs the Python packages of VERSIONS; other versions only get a warning, because the
numbers rarely change.
"""

import importlib
import importlib.metadata
import pathlib
import sys

VERSIONS = {"torch": "2.15.0", "diffusers": "0.42.1", "transformers": "5.23.0", "gguf": "0.19.0",
            "scikit-image": "0.26.0", "scipy": "1.17.1", "k-diffusion": "0.1.1.post1"}
SCRIPTS = pathlib.Path(__file__).resolve().parent
OUT = SCRIPTS.parent / "tests" / "golden"


def main() -> None:
    for package, wanted in VERSIONS.items():
        try:
            found = importlib.metadata.version(package).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            found = "is not installed"
        if found != wanted:
            print(f"warning: {package} {found}, but the goldens were made with {wanted}")
    sys.path.insert(0, str(SCRIPTS))
    known = sorted(path.stem for path in (SCRIPTS / "golden").glob("[a-z]*.py"))
    names = sys.argv[1:] or known
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no such golden: {', '.join(unknown)}; there are: {', '.join(known)}")
    OUT.mkdir(parents=True, exist_ok=True)
    for name in names:
        print(name)
        importlib.import_module(f"golden.{name}").write(OUT)


if __name__ == "__main__":
    main()
