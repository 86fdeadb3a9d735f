/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/fpu.h"

#include <stdint.h>

#include "guests/dummy/cpu.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"

#define FCW_OFFSET   0	/* SDM vol. 1, table 10-2 */
#define MXCSR_OFFSET 24
#define FCW_DEFAULT   0x037f
#define MXCSR_DEFAULT 0x1f80

#define ALL_COMPONENTS (~UINT64_C(0)) /* limited to XCR0 by the CPU */

void fpu_init_area(void *area)
{
	static const uint16_t fcw = FCW_DEFAULT;
	static const uint32_t mxcsr = MXCSR_DEFAULT;

	/* for XRSTOR: no component is saved, all start in their initial state (13.8) */
	memset(area, 0, 4096);
	memcpy((uint8_t *)area + FCW_OFFSET, &fcw, sizeof(fcw));
	memcpy((uint8_t *)area + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
}

void fpu_save(void *area)
{
	if (cpu_features.xsave)
		xsave(area, ALL_COMPONENTS);
	else
		fxsave(area);
}

void fpu_restore(const void *area)
{
	if (cpu_features.xsave)
		xrstor(area, ALL_COMPONENTS);
	else
		fxrstor(area);
}
