# What the scripts share; sourced by them, never run. Speaks in sentences, and names what is missing.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
export CARGO_TERM_PROGRESS_WHEN=never
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin

say() { printf '%s\n' "$*"; }

die() {
    printf 'ERROR: %s\n' "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# step TITLE COMMAND…: runs the command, says how long it took; a failure ends the script.
# (A plain `"$@" || die` would switch `set -e` off inside the command.)
step() {
    local title=$1 begun=$SECONDS status
    shift
    say "── $title"
    set +e
    (
        set -e
        "$@"
    )
    status=$?
    set -e
    [ $status = 0 ] || die "\"$title\" failed after $((SECONDS - begun)) s; the reason is above."
    say "   $title: $((SECONDS - begun)) s"
}

# apt_install PACKAGE…: on Debian and its kin, as root or through sudo.
apt_install() {
    have apt-get || die "Please install: $*. (This system has no apt-get, so it is not done for you.)"
    local sudo=
    if [ "$(id -u)" != 0 ]; then
        have sudo || die "Please install, as root: apt-get install $*."
        sudo=sudo
    fi
    say "Installing $* with apt-get."
    $sudo apt-get update -q
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -q -y --no-install-recommends "$@"
}

need_rust() {
    have cargo || die "Rust is missing. Install rustup from https://rustup.rs and run this again."
    if ! have cc; then
        [ "$(uname)" != Darwin ] || die "A C linker is missing. Run: xcode-select --install"
        apt_install gcc libc6-dev
    fi
    local libdir
    # With rustup this installs the toolchain that rust-toolchain.toml names, its wasm32 target included.
    libdir=$(rustc --print target-libdir --target wasm32-unknown-unknown) ||
        die "rustc does not run; its reason is above."
    if ! ls "$libdir"/libcore-*.rlib >/dev/null 2>&1; then
        have rustup || die "Rust's target wasm32-unknown-unknown is missing, and there is no rustup to add it."
        rustup target add wasm32-unknown-unknown
    fi
}

need_node() {
    have node || die "Node.js (20 or newer) is missing. Install it from https://nodejs.org."
    have npm || die "npm is missing. It comes with Node.js from https://nodejs.org."
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' ||
        die "Node.js $(node --version) is too old: 20 or newer is needed (https://nodejs.org)."
    local stamp=node_modules/.darkroom-lock
    if ! cmp -s package-lock.json "$stamp"; then
        # None of the packages needs its install script to work here.
        npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
        cp package-lock.json "$stamp"
    fi
}
