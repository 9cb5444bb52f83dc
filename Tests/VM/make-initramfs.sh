#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds an initramfs (an uncompressed cpio archive) for a guest.
#
#   make-initramfs.sh OUT ITEM...
#
# An ITEM is one of
#   PATH        a file or directory of this machine, put at the same place
#   SRC=DEST    a file or directory, put at DEST
#   @FILE       a manifest: one such item a line (see guest.manifest)
#
# Whatever is an ELF file brings the libraries it is linked against. The root
# file system's bare bones (accounts, hosts, resolver, /init) are always there.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [[ $# -lt 2 ]]; then
    echo "usage: make-initramfs.sh OUT ITEM..." >&2
    exit 2
fi
out=$(realpath -m "$1")
shift

umask 022
root=$(mktemp -d "${TMPDIR:-/tmp}/initramfs.XXXXXX")
trap 'rm -rf "$root" "$root.sources" "$root.libraries"' EXIT

chmod 755 "$root"
mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{dev,proc,sys,tmp,run,root,suite,trustrun,etc} \
    "$root"/home/user "$root"/var/{tmp,log,lib/misc}
for directory in bin sbin lib lib64; do
    ln -s "usr/$directory" "$root/$directory"
done
ln -s ../run "$root/var/run"

# --- the items -------------------------------------------------------------

sources="$root.sources" # the files to look for libraries of
: >"$sources"

# put SRC DEST [PATTERN...]
put() {
    local source=$1 destination=$root$2 pattern
    local -a exclude=()
    shift 2
    if [[ -d $source ]]; then
        for pattern in "$@"; do exclude+=("--exclude=$pattern"); done
        mkdir -p "$destination"
        tar -C "$source" "${exclude[@]}" -cf - . | tar -C "$destination" --no-same-owner -xf -
        # Only what was really copied, named by where it came from.
        (cd "$destination" && find . -type f \( -perm /111 -o -name '*.so*' \) -print) |
            sed "s|^\.|${source%/}|" >>"$sources"
    else
        mkdir -p "$(dirname "$destination")"
        cp -pL --remove-destination "$source" "$destination"
        echo "$source" >>"$sources"
    fi
}

# item WORD...: the item and its patterns
item() {
    local optional=0 source destination
    local -a patterns=()
    source=$1
    shift
    patterns=("${@#!}")
    if [[ $source == '?'* ]]; then
        optional=1
        source=${source#'?'}
    fi
    destination=$source
    if [[ $source == *=* ]]; then
        destination=${source#*=}
        source=${source%%=*}
    fi
    if [[ ! -e $source ]]; then
        [[ $optional -eq 0 ]] || return 0
        echo "make-initramfs: $source is needed in the guest but not on this machine" >&2
        exit 1
    fi
    put "$(realpath -s "$source")" "$destination" ${patterns[@]+"${patterns[@]}"}
}

for argument in "$@"; do
    if [[ $argument == @* ]]; then
        while read -r -a words; do
            [[ ${#words[@]} -gt 0 && ${words[0]} != '#'* ]] || continue
            item "${words[@]}"
        done <"${argument#@}"
    else
        item "$argument"
    fi
done

# --- libraries -------------------------------------------------------------

# Every library goes where it is on this machine, and its folder into the
# loader's search path, so that relative and absolute run paths both work.
while read -r file; do
    [[ $(head -c 4 "$file" | tr -d '\0') == $'\x7fELF' ]] || continue
    ldd "$file" 2>/dev/null | sed "s|^|$file: |" || true
done <"$sources" >"$root.libraries"
if grep 'not found' "$root.libraries" >&2; then
    echo "make-initramfs: the libraries above are missing on this machine" >&2
    exit 1
fi
awk '{ for (i = 2; i <= NF; i++) if ($i ~ /^\//) { print $i; break } }' "$root.libraries" |
    sort -u |
    while read -r library; do
        [[ -e $root$library ]] || {
            mkdir -p "$root$(dirname "$library")"
            cp -pL "$library" "$root$library"
        }
        dirname "$library"
    done | sort -u >"$root/etc/ld.so.conf"
ldconfig_path=$(PATH=$PATH:/usr/sbin:/sbin command -v ldconfig || true)
[[ -z $ldconfig_path ]] || "$ldconfig_path" -r "$root" 2>/dev/null || true

# --- busybox ---------------------------------------------------------------

if [[ -e $root/usr/bin/busybox ]]; then
    for applet in $("$root/usr/bin/busybox" --list); do
        [[ -e $root/usr/bin/$applet || -e $root/usr/sbin/$applet ]] ||
            ln -s busybox "$root/usr/bin/$applet"
    done
fi

# --- accounts and configuration --------------------------------------------

cp "$here/init" "$root/init"
chmod 755 "$root/init"
chmod 1777 "$root/tmp" "$root/var/tmp"

cat >"$root/etc/passwd" <<'ACCOUNTS'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/sh
dnsmasq:x:104:65534:dnsmasq:/var/lib/misc:/bin/sh
user:x:1000:1000:user:/home/user:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh
ACCOUNTS
cat >"$root/etc/group" <<'GROUPS'
root:x:0:
daemon:x:1:
tty:x:5:
dip:x:30:
user:x:1000:
nogroup:x:65534:
GROUPS
cat >"$root/etc/nsswitch.conf" <<'NSS'
passwd: files
group: files
hosts: files dns
networks: files
services: files
protocols: files
NSS
cat >"$root/etc/hosts" <<'HOSTS'
127.0.0.1 localhost guest
::1 localhost ip6-localhost
HOSTS
echo "nameserver 127.0.0.1" >"$root/etc/resolv.conf"
for file in services protocols; do
    [[ ! -e /etc/$file ]] || cp -L "/etc/$file" "$root/etc/$file"
done

# --- the archive -----------------------------------------------------------

mkdir -p "$(dirname "$out")"
(cd "$root" && find . -print0 | LC_ALL=C sort -z |
    cpio --null --create --format=newc --owner=0:0 --quiet) >"$out.new"
mv "$out.new" "$out"
