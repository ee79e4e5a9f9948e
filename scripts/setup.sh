#!/usr/bin/env bash
# Installs what the project needs: npm packages always, system tools where that is allowed. Escalates only as root or when
# sudo needs no password; else it prints the exact command. A no-op when nothing is to do.
set -euo pipefail
cd "$(dirname "$0")/.."

need_node="20.19.0"
if ! command -v node >/dev/null; then
  echo "setup: Node.js ${need_node} or newer is needed: https://nodejs.org" >&2
  exit 69
fi
if ! node -e 'const [a,b]=process.versions.node.split(".").map(Number); process.exit(a>20||(a===20&&b>=19)?0:1)'; then
  echo "setup: Node.js ${need_node} or newer is needed; this is $(node --version)" >&2
  exit 69
fi

missing=()
command -v verilator >/dev/null || missing+=(verilator)
command -v iverilog >/dev/null || missing+=(iverilog)
command -v yosys >/dev/null || missing+=(yosys)
command -v "${CXX:-g++}" >/dev/null || command -v clang++ >/dev/null || missing+=(g++)
command -v "${CC:-gcc}" >/dev/null || command -v clang >/dev/null || missing+=(gcc)

run() {
  echo "setup: $*" >&2
  "$@"
}

if [ ${#missing[@]} -gt 0 ]; then
  if command -v apt-get >/dev/null; then
    escalate=()
    if [ "$(id -u)" -eq 0 ]; then allowed=1
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then allowed=1; escalate=(sudo -n)
    else allowed=0; fi
    if [ "$allowed" -eq 1 ]; then
      run "${escalate[@]}" apt-get update -qq >&2
      run "${escalate[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" libc6-dev make >&2
    else
      echo "setup: not found: ${missing[*]}. Install with:" >&2
      echo "  sudo apt-get install ${missing[*]} libc6-dev make" >&2
    fi
  elif command -v brew >/dev/null; then
    packages=()
    for tool in "${missing[@]}"; do
      case "$tool" in
        iverilog) packages+=(icarus-verilog) ;;
        g++ | gcc) ;; # Apple's clang comes with the command line tools
        *) packages+=("$tool") ;;
      esac
    done
    [ ${#packages[@]} -eq 0 ] || run brew install "${packages[@]}" >&2
  else
    echo "setup: not found: ${missing[*]}; install them with this system's package manager" >&2
  fi
fi

# The stamp holds what node_modules and dist were made from.
stamp=node_modules/.noisefloor-setup
state=$(
  cat package-lock.json package.json tsconfig*.json
  find compiler templates scripts -type f ! -name '*.generated.ts' ! -path 'compiler/tests/*' -print0 |
    LC_ALL=C sort -z | xargs -0 cat
)
packages_key=$(cat package-lock.json package.json | cksum)
source_key=$(cksum <<<"$state")
if [ ! -f "$stamp" ] || [ "$(sed -n 1p "$stamp")" != "$packages_key" ]; then
  echo "setup: npm ci" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
  printf '%s\n%s\n' "$packages_key" "$source_key" >"$stamp"
elif [ "$(sed -n 2p "$stamp")" != "$source_key" ] || [ ! -f dist/cli/main.js ]; then
  echo "setup: npm run build" >&2
  npm run --silent build >&2
  printf '%s\n%s\n' "$packages_key" "$source_key" >"$stamp"
fi
