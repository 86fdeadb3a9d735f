#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `make run`: from make's variables (in the environment) to a command line of `hypike boot`.
# Usage: tools/run.sh BUILD
set -eu

build=$1
shift
here=$(dirname "$0")

# What the names of guests stand for.
clock=
case $GUEST in
dummy)
	# It tests clocks: let QEMU's count instructions, so that a busy host makes no difference.
	if [ "$ON" = qemu ]; then
		clock=--icount=3
	fi
	kernel=$build/guests/dummy/dummy.elf
	MODULES=${MODULES:-$build/guests/dummy/initramfs.cpio}
	;;
gnumach | invaders)
	"$here/fetch-guests.sh" "$build" "$GUEST"
	kernel=$build/debian/$GUEST
	# The game draws on the screen only: show it when Ctrl-] q ends the machine.
	if [ "$GUEST" = invaders ]; then
		set -- --vmm-option --screen
	fi
	;;
memtest)
	"$here/fetch-guests.sh" "$build" "$GUEST"
	kernel=$build/debian/$GUEST
	CMDLINE=${CMDLINE:-console=ttyS0,115200}
	;;
linux | linux-full)
	"$here/fetch-guests.sh" "$build" "$GUEST"
	kernel=$build/debian/$GUEST
	MODULES=${MODULES:-$build/debian/$GUEST.cpio}
	CMDLINE=${CMDLINE:-console=ttyS0 quiet cryptomgr.notests}
	set -- --vcpus "$CPUS" --vmm-option --reboots --vmm-option 1000
	# Its default is what small kernels need.
	if [ "$MEM" = 64M ]; then
		MEM=256M
	fi
	;;
*)
	kernel=$GUEST
	;;
esac
# GNU Mach draws on the screen unless told otherwise.
if [ "$GUEST" = gnumach ] && [ -z "$CMDLINE" ]; then
	CMDLINE='gnumach console=com0'
fi

set -- boot --on "$ON" ${clock:+"$clock"} --cpus "$CPUS" --memory "$MEM" --kernel "$kernel" "$@"
if [ -n "$CMDLINE" ]; then
	set -- "$@" --cmdline "$CMDLINE"
fi
rest=$MODULES
while [ -n "$rest" ]; do
	module=${rest%%,*}
	set -- "$@" --module "$module"
	case $rest in
	*,*) rest=${rest#*,} ;;
	*) rest= ;;
	esac
done
exec "$build/tools/hypike" "$@"
