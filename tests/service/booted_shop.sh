#!/bin/sh
# Walks docs/install.md on a bare Debian 12 that systemd boots in a container; what it does: tests/service/README.md.
#
#   sudo tests/service/booted_shop.sh DIR [--json FILE] [--half install|trade]
#
# Needs debootstrap, systemd-container, nftables, iproute2 and mosquitto, and ./vitrine's environment for tests.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "booted_shop.sh: makes machines and networks: needs root" >&2; exit 1; }
for need in debootstrap systemd-nspawn nft ip ss mosquitto; do
    command -v "$need" >/dev/null || [ -x "/usr/sbin/$need" ] || { echo "booted_shop.sh: needs $need" >&2; exit 1; }
done
cd "$root"
exec "${VITRINE_HOME:-$root/.venv}/bin/python" -m tests.service.booted_shop "$@"
