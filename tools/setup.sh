#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Installs the Debian packages that the given goals need and that are not there, saying which.
# Usage: tools/setup.sh [--check] GOAL...    goals: build qemu bochs test long docs deb
#   --check: only say what is missing, status 1 where something is.
# Done in a few milliseconds where nothing is missing.
set -eu

packages_build="gcc libc6-dev make meson ninja-build pkg-config python3 libcmocka-dev libfyaml-dev libzydis-dev \
	libslirp-dev libjansson-dev libseccomp-dev libneatvnc-dev libgnutls28-dev libaml-dev libpixman-1-dev libpng-dev"
packages_qemu='qemu-system-x86'
packages_bochs='bochs bochsbios bochs-term vgabios grub-common grub-pc-bin xorriso'
packages_test="acpica-tools babeltrace2 e2fsprogs gdb python3-jsonschema python3-yaml mandoc clang-14 \
	libclang-rt-14-dev libnet-vnc-perl gvncviewer openssl llvm-14 grub-efi-amd64-bin lz4 mtools ovmf"
packages_docs='doxygen'
packages_deb='dpkg-dev'
packages_long='debootstrap lintian'

say() {
	echo "hypike setup: $*" >&2
}

packages_of() {
	case $1 in
	build) echo "$packages_build" ;;
	qemu) echo "$packages_build $packages_qemu" ;;
	bochs) echo "$packages_build $packages_bochs" ;;
	test) echo "$packages_build $packages_qemu $packages_bochs $packages_test $packages_docs $packages_deb" ;;
	docs) echo "$packages_build $packages_docs" ;;
	deb) echo "$packages_build $packages_deb" ;;
	long) echo "$packages_long" ;;
	*)
		say "unknown goal '$1'"
		exit 2
		;;
	esac
}

# Prints those of its arguments that are not installed.
missing_of() {
	dpkg-query -W -f '${binary:Package} ${db:Status-Status}\n' "$@" 2>/dev/null | awk -v wanted="$*" '
		$2 == "installed" { sub(":.*", "", $1); there[$1] = 1 }
		END {
			count = split(wanted, name, " ")
			for (i = 1; i <= count; i++)
				if (!(name[i] in there) && !seen[name[i]]++)
					printf "%s ", name[i]
		}'
}

# How to become root; prints nothing for root itself.
root_command() {
	if [ "$(id -u)" -eq 0 ]; then
		return 0
	fi
	if ! command -v sudo >/dev/null; then
		say "that needs root, and there is no sudo: run this as root:"
		say "  apt-get install $*"
		return 1
	fi
	# Without a terminal sudo must not ask for a password.
	if [ -t 0 ]; then
		echo sudo
	elif sudo -n true 2>/dev/null; then
		echo 'sudo -n'
	else
		say "that needs root, and sudo wants a password: run this as root:"
		say "  apt-get install $*"
		return 1
	fi
}

# Runs a command quietly; where it fails, shows what it said.
quietly() {
	log=$(mktemp)
	status=0
	"$@" >"$log" 2>&1 </dev/null || status=$?
	if [ "$status" -ne 0 ]; then
		cat "$log" >&2
	fi
	rm -f "$log"
	return "$status"
}

install_packages() {
	as_root=$(root_command "$@") || exit 1
	# sudo asks before the quiet part.
	if [ "$as_root" = sudo ]; then
		sudo -v || exit 1
	fi
	options='-q -o=Dpkg::Use-Pty=0 -o=DPkg::Lock::Timeout=300'
	# shellcheck disable=SC2086 # words on purpose
	if ! quietly $as_root apt-get $options update; then
		say "apt-get update failed; trying with the package lists that are there"
	fi
	# shellcheck disable=SC2086
	if ! quietly $as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get $options install -y --no-install-recommends "$@"; then
		say "apt-get could not install: $*"
		exit 1
	fi
}

check=false
if [ "${1-}" = --check ]; then
	check=true
	shift
fi
wanted=''
for goal in "$@"; do
	wanted="$wanted $(packages_of "$goal")"
done
if ! command -v dpkg-query >/dev/null; then
	say "this is no Debian; what is needed is called there:$wanted"
	exit 0
fi
# shellcheck disable=SC2086
missing=$(missing_of $wanted)
if [ -z "$missing" ]; then
	exit 0
fi
say "Debian packages missing: $missing"
if $check; then
	exit 1
fi
say "installing them with apt-get; this may take a minute"
# shellcheck disable=SC2086
install_packages $missing
# shellcheck disable=SC2086
still=$(missing_of $missing)
if [ -n "$still" ]; then
	say "still missing: $still"
	exit 1
fi
say "done"
