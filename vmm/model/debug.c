/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debug registers (SDM vol. 3, 18.2): breakpoints on code are faults before the instruction, those on data traps
 * behind it. They are the guest's, or the VMM's own in their place.
 */
#include "lib/x86/regs.h"
#include "vmm/model/exec.h"

#define ENABLES	   UINT64_C(0xff)
#define BREAKPOINTS 4u

enum condition { ON_CODE, ON_WRITE, ON_PORT, ON_ACCESS };

void exec_watch(struct exec *x)
{
	x->watch = (x->s->dr7 & ENABLES) != 0;
	x->hits = 0;
}

static bool is_enabled(const struct exec *x, unsigned n)
{
	return (x->s->dr7 >> (2 * n) & 3) != 0;
}

static enum condition condition_of(const struct exec *x, unsigned n)
{
	return (enum condition)(x->s->dr7 >> (16 + 4 * n) & 3);
}

/** Bytes watched: 1, 2, 8 or 4. */
static uint64_t size_of(const struct exec *x, unsigned n)
{
	static const uint8_t sizes[] = {1, 2, 8, 4};

	return sizes[x->s->dr7 >> (18 + 4 * n) & 3];
}

/** @return DR6's bits of the breakpoints of these conditions in the range. */
static uint64_t hits(const struct exec *x, uint64_t linear, uint64_t size, unsigned conditions)
{
	uint64_t found = 0;

	for (unsigned n = 0; n < BREAKPOINTS; n++) {
		const uint64_t first = x->s->dr[n] & ~(size_of(x, n) - 1);

		if (is_enabled(x, n) && (conditions >> condition_of(x, n) & 1) != 0 &&
		    linear < first + size_of(x, n) && first < linear + size)
			found |= UINT64_C(1) << n;
	}
	return found;
}

void exec_watch_access(struct exec *x, uint64_t linear, unsigned size, bool write)
{
	x->hits |= hits(x, linear, size, 1u << ON_ACCESS | (write ? 1u << ON_WRITE : 0));
}

bool exec_watch_code(struct exec *x)
{
	const uint64_t base = x->mode == INSN_MODE_64 ? 0 : x->s->seg[HV_CS].base;
	const uint64_t found = (x->ctx.rflags & RFLAGS_RF) != 0
				       ? 0
				       : hits(x, x->ctx.rip + base, 1, 1u << ON_CODE);

	x->hits = 0;
	if (found != 0)
		exec_debug_trap(x, found);
	return found != 0;
}
