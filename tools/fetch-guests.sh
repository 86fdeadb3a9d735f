#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Gets kernels that nobody here wrote out of Debian packages, without installing these.
# Usage: tools/fetch-guests.sh BUILD gnumach|invaders...     leaves BUILD/debian/NAME
set -eu

build=$1
shift

package_of() {
	case $1 in
	gnumach) echo gnumach-image-1.8-486 ;;
	invaders) echo grub-invaders ;;
	*)
		echo "hypike: $1: no such guest" >&2
		exit 2
		;;
	esac
}

# Root's apt-get gives downloads to the user _apt, who may not enter our directory: a warning, no
# more. Without package lists (a fresh container), get those first.
download() {
	if ! apt-get -qq download "$1" 2>download.log; then
		echo "hypike: getting Debian's package lists" >&2
		if [ "$(id -u)" -eq 0 ]; then
			apt-get -qq update >&2
		else
			sudo -n apt-get -qq update >&2
		fi
		apt-get -qq download "$1" 2>download.log || {
			cat download.log >&2
			echo "hypike: the Debian package $1 could not be fetched" >&2
			exit 1
		}
	fi
}

fetch() {
	package=$(package_of "$1")
	rm -rf "fetch-$1"
	mkdir "fetch-$1"
	cd "fetch-$1"
	echo "hypike: fetching the Debian package $package" >&2
	download "$package"
	dpkg-deb -x "$package"_*.deb root
	case $1 in
	gnumach) gzip -dc root/boot/gnumach-*.gz >kernel ;;
	invaders) cp root/boot/invaders.exec kernel ;;
	esac
	mv kernel "../$1"
	cd ..
	rm -rf "fetch-$1"
}

mkdir -p "$build/debian"
cd "$build/debian"
for guest in "$@"; do
	if [ ! -s "$guest" ]; then
		fetch "$guest"
	fi
done
