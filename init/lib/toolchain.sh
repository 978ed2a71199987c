# Finds or installs what building takes; sourced by init/run and tests/run.

# say TEXT...: to the person, on standard error; standard output belongs to results.
say() { printf '%s\n' "$*" >&2; }

is_root() { [ "$(id -u)" = 0 ]; }
is_debian() { [ -e /etc/debian_version ] && command -v apt-get >/dev/null; }

# install PACKAGE...: Debian packages, without recommended ones; quiet unless it fails.
install_packages() {
  local log; log=$(mktemp)
  if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2; rm -f "$log"; return 1
  fi
  rm -f "$log"
}

# Whether there is a cargo with a rustc of at least 1.88 (edition 2024 with let chains).
toolchain_works() {
  local version
  version=$(cd "$ROOT" && cargo --version >/dev/null 2>&1 && rustc --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p')
  [ -n "$version" ] && [ "$version" -ge 88 ]
}

# Makes cargo usable, or says what is missing and how to get it.
need_toolchain() {
  [ -d "$HOME/.cargo/bin" ] && PATH="$PATH:$HOME/.cargo/bin"
  [ -d /usr/lib/rust-web/bin ] && PATH="$PATH:/usr/lib/rust-web/bin"
  export PATH
  # The pinned toolchain may be absent where another, new enough, is installed.
  if ! toolchain_works && command -v rustup >/dev/null; then
    RUSTUP_TOOLCHAIN=$(rustup default 2>/dev/null | cut -d' ' -f1); export RUSTUP_TOOLCHAIN
  fi
  if ! toolchain_works && is_root && is_debian; then
    say "stafette: no Rust of at least 1.88 here: installing Debian's rustc-web and cargo-web"
    unset RUSTUP_TOOLCHAIN
    install_packages rustc-web cargo-web gcc libc6-dev || true
    hash -r
  fi
  if ! toolchain_works; then
    say "stafette: cannot build: no Rust toolchain of at least 1.88 was found."
    say "  Either install rustup (https://rustup.rs) and run this again,"
    say "  or on Debian 12, as root:  apt-get install --no-install-recommends rustc-web cargo-web gcc libc6-dev"
    say "  (Debian 12's plain rustc is too old.)"
    return 1
  fi
  if ! command -v cc >/dev/null; then
    if is_root && is_debian; then
      say "stafette: no C compiler to link with: installing Debian's gcc"
      install_packages gcc libc6-dev || return 1
    else
      say "stafette: cannot build: no C compiler (cc) to link with."
      say "  On Debian, as root:  apt-get install --no-install-recommends gcc libc6-dev"
      return 1
    fi
  fi
}
