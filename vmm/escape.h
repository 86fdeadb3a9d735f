/* SPDX-License-Identifier: BSD-2-Clause */
/** @file escape.h What the user types at the console behind CONSOLE_ESCAPE. */
#ifndef VMM_ESCAPE_H
#define VMM_ESCAPE_H

#include "vmm/vm.h"

/** A command's function (dev/device.h): `vm` is the struct vm, `key` what was typed. Lock held. */
void escape_key(void *vm, uint32_t key);

#endif
