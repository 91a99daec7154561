#!/bin/sh
# Installs a built dustline as a systemd service. Run as root from the checkout:
#
#     cargo build --release && sudo deploy/install.sh [BINARY]
#
# BINARY: target/release/dustline unless given. An existing configuration is
# left as it is. Nothing is started. DESTDIR=… writes below another root and
# makes no user, for packagers.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
binary=${1:-${CARGO_TARGET_DIR:-$here/target}/release/dustline}
root=${DESTDIR:-}

[ -x "$binary" ] || {
    echo "install.sh: $binary is not there; run 'cargo build --release' first, or name the binary" >&2
    exit 1
}

install -D -m 0755 "$binary" "$root/usr/bin/dustline"
install -D -m 0644 "$here/deploy/dustline.service" "$root/usr/lib/systemd/system/dustline.service"
install -D -m 0644 "$here/deploy/dustline.sysusers" "$root/usr/lib/sysusers.d/dustline.conf"
install -D -m 0644 "$here/deploy/dustline.tmpfiles" "$root/usr/lib/tmpfiles.d/dustline.conf"
install -d "$root/usr/share/man/man1" "$root/usr/share/bash-completion/completions"
"$binary" man > "$root/usr/share/man/man1/dustline.1"
"$binary" completions bash > "$root/usr/share/bash-completion/completions/dustline"

if [ -z "$root" ]; then
    systemd-sysusers dustline.conf
    systemd-tmpfiles --create dustline.conf
fi
if [ ! -e "$root/etc/dustline/dustline.toml" ]; then
    install -D -m 0640 "$here/config/dustline.toml" "$root/etc/dustline/dustline.toml"
    [ -n "$root" ] || chgrp dustline /etc/dustline/dustline.toml
fi
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi

cat <<'TEXT'
Installed. Next:
  1. edit   /etc/dustline/dustline.toml   (at least one [[source]])
  2. check  dustline check --config /etc/dustline/dustline.toml --connect
  3. start  systemctl enable --now dustline
TEXT
