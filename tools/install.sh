#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `meson install` runs it: what the command needs at run time goes to lib/hypike beside its bin, and
# `hypike:PART` in a configuration finds it there as it finds it in a build tree.
set -eu

for part in kernel/hypike.elf vmm/vmm.elf guests/dummy/dummy.elf guests/dummy/initramfs.cpio \
	services/switch.elf; do
	mkdir -p "$MESON_INSTALL_DESTDIR_PREFIX/lib/hypike/$(dirname "$part")"
	install -m 644 "$MESON_BUILD_ROOT/$part" "$MESON_INSTALL_DESTDIR_PREFIX/lib/hypike/$part"
done
mkdir -p "$MESON_INSTALL_DESTDIR_PREFIX/lib/hypike/tools"
install -m 644 "$MESON_BUILD_ROOT/tools/hypike-vnc.so" "$MESON_INSTALL_DESTDIR_PREFIX/lib/hypike/tools/hypike-vnc.so"
