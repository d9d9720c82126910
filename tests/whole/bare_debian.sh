#!/bin/sh
# Prove the launcher on a bare Debian: minimal packages, python3 and CA certificates, nothing else.
#
#   sudo tests/whole/bare_debian.sh DIR [COMMAND…]       default: ./vitrine demo --once --report out --nonce K7Q4
#
# DIR becomes the system's root and is kept, so that a second run shows a start that installs nothing; the committed checkout is
# cloned into DIR/srv. Needs debootstrap and git. This machine's certificates, pip and apt settings are copied in, because
# that is how it reaches its registries; PIP_* and SSL_CERT_* variables go along. SUITE=trixie makes a Debian 13.
set -eu

[ $# -ge 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "bare_debian.sh: needs root for debootstrap and chroot" >&2; exit 1; }
checkout=$(cd "$(dirname "$0")/../.." && pwd)
bare=$1
place=srv/$(basename "$checkout")
shift
[ $# -gt 0 ] || set -- ./vitrine demo --once --report out --nonce K7Q4

if [ ! -x "$bare/usr/bin/python3" ]; then
    debootstrap --variant=minbase --include=python3,ca-certificates "${SUITE:-bookworm}" "$bare"
fi
for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt /etc/pip.conf /etc/apt/apt.conf.d/99*; do
    if [ -f "$file" ]; then
        mkdir -p "$bare$(dirname "$file")"
        cp -L "$file" "$bare$file"
    fi
done
if [ -d "$bare/$place/.git" ]; then
    git -C "$bare/$place" pull --quiet --ff-only
else
    git clone --quiet "$checkout" "$bare/$place"
fi

# Own mounts and processes: both end with the command, whatever it leaves behind.
exec unshare --mount --pid --fork --kill-child sh -euc '
    bare=$1
    place=$2
    shift 2
    mount --bind "$bare" "$bare"
    mount -t proc proc "$bare/proc"
    mount -t sysfs -o ro sysfs "$bare/sys"
    mount -t tmpfs -o mode=755 tmpfs "$bare/dev"
    for device in null zero full random urandom tty; do
        : >"$bare/dev/$device"
        mount --bind "/dev/$device" "$bare/dev/$device"
    done
    mkdir "$bare/dev/pts" "$bare/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$bare/dev/pts"
    mount -t tmpfs tmpfs "$bare/dev/shm"
    ln -s pts/ptmx "$bare/dev/ptmx"
    ln -s /proc/self/fd "$bare/dev/fd"
    exec env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        ${PIP_CERT:+"PIP_CERT=$PIP_CERT"} ${SSL_CERT_FILE:+"SSL_CERT_FILE=$SSL_CERT_FILE"} \
        ${PIP_DEFAULT_TIMEOUT:+"PIP_DEFAULT_TIMEOUT=$PIP_DEFAULT_TIMEOUT"} ${CI:+"CI=$CI"} \
        chroot "$bare" sh -c "cd /$place && exec \"\$@\"" sh "$@"
' sh "$bare" "$place" "$@"
