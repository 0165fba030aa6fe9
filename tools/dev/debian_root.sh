#!/usr/bin/env bash
# Proves that a bare Debian 12 is enough: makes one in a temporary folder, clones the project into it and runs there
# the two commands of the README and .ci/run, or the command that is given. Needs root; takes its packages from where
# this machine takes its own. ../shared, if there is one, is beside the clone, read only.
#   tools/dev/debian_root.sh [COMMAND…]
# CRYOGRAPH_DEBIAN=FOLDER keeps the bare system there and starts from it the next time.
set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

if [[ ${1-} == --inside ]]; then
  # The second half, in mount and process namespaces of its own: makes the folder the root of everything.
  root=$2
  shift 2
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  if [[ -d $root/src/shared ]]; then
    mount --bind "$(cd "$project/../shared" && pwd -P)" "$root/src/shared"
    mount -o remount,bind,ro "$root/src/shared"
  fi
  cd "$root"
  mkdir -p old
  # Not chroot: in a changed root the kernel refuses the user namespaces that Bazel's sandbox needs.
  pivot_root . old
  umount -l old
  cd /src/cryograph
  exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 bash -euo pipefail -c "$1"
fi

((EUID == 0)) || { echo 'debian_root.sh: must be root' >&2; exit 1; }
cd "$project"
./bazelw install debian_root

# The suite's own sources: every file of apt's that speaks of it.
mapfile -t sources < <(grep -lEsr '^(deb|URIs)' /etc/apt/sources.list /etc/apt/sources.list.d | xargs -r grep -lw bookworm)
((${#sources[@]})) || { echo 'debian_root.sh: apt of this machine has no source of Debian 12' >&2; exit 1; }
mirror=$(sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb (\[[^]]*\] )?([^ ]+) bookworm .*/\2/p' "${sources[@]}" | head -n 1)

base=${CRYOGRAPH_DEBIAN-}
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
[[ -n $base ]] || base=$work/base
if [[ ! -e $base/etc/debian_version ]]; then
  echo 'debian_root.sh: making a bare Debian 12' >&2
  debootstrap --variant=minbase bookworm "$base" "$mirror" >"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; exit 1; }
  # What tells apt of this machine where packages are, tells it there.
  rm -f "$base/etc/apt/sources.list"
  cp -a /etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/apt/auth.conf.d "$base/etc/apt/" 2>/dev/null || true
  [[ ! -e /etc/apt/sources.list ]] || cp /etc/apt/sources.list "$base/etc/apt/"
fi
root=$work/root
cp -a "$base" "$root"
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
mkdir -p "$root/src"
git clone -q --no-hardlinks "$project" "$root/src/cryograph"
[[ ! -d $project/../shared ]] || mkdir -p "$root/src/shared"

# The commands of the README that use bazelw, as it has them: indented, or after "$ " with the lines they go on in.
readme_commands() {
  python3 - README.md <<'END'
import sys
lines = iter(open(sys.argv[1], encoding="utf-8").read().split("\n"))
for line in lines:
  command = line[2:] if line.startswith("$ ") else line.strip() if line.startswith("    ") else ""
  if command.startswith("./bazelw "):
    while command.endswith("\\") or command.count("'") % 2:
      command += "\n" + next(lines)
    print(command)
END
}
command=${*:-$(readme_commands; echo .ci/run)}
printf 'debian_root.sh: in the bare system:\n%s\n' "$command" >&2
unshare --mount --propagation private --pid --fork --kill-child "$0" --inside "$root" \
  "$(printf 'set -x\n%s' "$command")"
