#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Gets kernels that nobody here wrote out of Debian packages, without installing these.
# Usage: tools/fetch-guests.sh BUILD gnumach|invaders|memtest|seabios|linux|linux-full...     leaves BUILD/debian/NAME
#        tools/fetch-guests.sh --check BUILD NAME...     says which are missing, or not made of what there is today
#
# Linux comes with linux.cpio, an initramfs of busybox, guests/linux and the kernel's virtio modules, and
# with linux-kvm/, the modules that make /dev/kvm.
set -eu

check=false
if [ "$1" = --check ]; then
	check=true
	shift
fi
build=$1
here=$(cd "$(dirname "$0")" && pwd)
shift

# A package that only names the newest one: which is that?
newest() {
	apt-cache depends "$1" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

package_of() {
	case $1 in
	gnumach) echo gnumach-image-1.8-486 ;;
	invaders) echo grub-invaders ;;
	memtest) echo memtest86+ ;;
	seabios) echo seabios ;;
	linux) newest linux-image-cloud-amd64 ;;
	linux-full) newest linux-image-amd64 ;;
	busybox) echo busybox-static ;;
	*)
		echo "hypike: $1: no such guest" >&2
		exit 2
		;;
	esac
}

update_lists() {
	echo "hypike: getting Debian's package lists" >&2
	if [ "$(id -u)" -eq 0 ]; then
		apt-get -qq update >&2
	else
		sudo -n apt-get -qq update >&2
	fi
}

# Root's apt-get gives downloads to the user _apt, who may not enter our directory: a warning, no
# more. Without package lists (a fresh container), get those first.
download() {
	if ! apt-get -qq download "$1" 2>download.log; then
		update_lists
		apt-get -qq download "$1" 2>download.log || {
			cat download.log >&2
			echo "hypike: the Debian package $1 could not be fetched" >&2
			exit 1
		}
	fi
}

# Drivers of the devices that a VM has, and a file system, in the order of their dependencies; in some
# kernels some are built in.
linux_modules='virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk
	failover net_failover virtio_net virtio_console rng-core virtio-rng crc16 crc32c_generic mbcache
	jbd2 ext4 pvpanic pvpanic-mmio'

# That of the display; the cloud kernel has none.
display_modules='drm drm_kms_helper ttm drm_ttm_helper drm_vram_helper bochs'

# KVM on AMD and Intel, and TAP interfaces, in the same order.
kvm_modules='irqbypass kvm kvm-amd kvm-intel tun'

# modules FROM TO NAME...
modules() {
	from=$1
	to=$2
	shift 2
	rm -rf "$to"
	mkdir "$to"
	for module in "$@"; do
		find "$from/lib/modules" -name "$module.ko" -exec cp {} "$to/" \;
	done
}

# list DIRECTORY "NAME...": those that are there
list() {
	for module in $2; do
		if [ -e "$1/$module.ko" ]; then
			echo "$module"
		fi
	done
}

# The initramfs of a Linux kernel; quick, so made anew each time.
initramfs() {
	set -- "$1" --busybox busybox --init "$here/../guests/linux/init"
	for script in "$here"/../guests/linux/scripts/*; do
		set -- "$@" --file "etc/${script##*/}=$script"
	done
	for module in $linux_modules $display_modules; do
		if [ -e "$1-modules/$module.ko" ]; then
			set -- "$@" --file "lib/modules/$module.ko=$1-modules/$module.ko"
		fi
	done
	list "$1-modules" "$linux_modules" >"$1-modules/order"
	list "$1-modules" "$display_modules" >"$1-modules/display"
	set -- "$@" --file "lib/modules/order=$1-modules/order" --file "lib/modules/display=$1-modules/display"
	name=$1
	shift
	python3 "$here/initramfs.py" "$@" -o "$name.cpio.new"
	mv "$name.cpio.new" "$name.cpio"
}

fetch() {
	package=$(package_of "$1")
	if [ -z "$package" ]; then
		update_lists
		package=$(package_of "$1")
	fi
	rm -rf "fetch-$1"
	mkdir "fetch-$1"
	cd "fetch-$1"
	echo "hypike: fetching the Debian package $package" >&2
	download "$package"
	dpkg-deb -x "$package"_*.deb root
	case $1 in
	gnumach) gzip -dc root/boot/gnumach-*.gz >kernel ;;
	invaders) cp root/boot/invaders.exec kernel ;;
	memtest) cp root/boot/memtest86+x64.bin kernel ;;
	seabios) cp root/usr/share/seabios/bios-256k.bin kernel ;;
	busybox) cp root/bin/busybox kernel ;;
	linux | linux-full)
		cp root/boot/vmlinuz-* kernel
		# shellcheck disable=SC2086 # words
		modules root "../$1-modules" $linux_modules $display_modules
		# shellcheck disable=SC2086
		modules root "../$1-kvm" $kvm_modules
		echo "$linux_modules $display_modules $kvm_modules" >"../$1-modules/wanted"
		;;
	esac
	mv kernel "../$1"
	cd ..
	rm -rf "fetch-$1"
}

# Is it there, and with the modules that are wanted today?
have() {
	[ -s "$1" ] || return 1
	case $1 in
	linux*) echo "$linux_modules $display_modules $kvm_modules" | cmp -s - "$1-modules/wanted" ;;
	esac
}

# Is its initramfs made of the scripts of today?
fresh() {
	case $1 in
	linux*) [ -s "$1.cpio" ] && [ -z "$(find "$here/../guests/linux" "$here/initramfs.py" -newer "$1.cpio")" ] ;;
	esac
}

if $check; then
	status=0
	for guest in "$@"; do
		if ! (cd "$build/debian" 2>/dev/null && have "$guest" && fresh "$guest"); then
			echo "hypike: $build/debian/$guest is missing or old: tools/fetch-guests.sh $build $guest" >&2
			status=1
		fi
	done
	exit "$status"
fi

mkdir -p "$build/debian"
cd "$build/debian"
for guest in "$@"; do
	if ! have "$guest"; then
		fetch "$guest"
	fi
	case $guest in
	linux*)
		if [ ! -s busybox ]; then
			fetch busybox
		fi
		initramfs "$guest"
		;;
	esac
done
