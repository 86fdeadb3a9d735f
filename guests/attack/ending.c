/* SPDX-License-Identifier: BSD-2-Clause */
/* Acts that end the machine: the VMM's status says how, and nobody else notices. */
#include "guests/attack/act.h"
#include "guests/attack/machine.h"

static void lose_idt(uint64_t arg)
{
	const struct desc_ptr none = {0, 0};

	(void)arg;
	lidt(&none);
	__asm__ volatile("ud2");
}

/* Beyond the physical address width: #GP on hardware. QEMU's TCG takes it and then refuses VMRUN. */
static void huge_cr3(uint64_t bits)
{
	write_cr3(paging_kernel_root() | bits);
}

static void hlt_forever(uint64_t arg)
{
	(void)arg;
	for (;;)
		hlt();
}

const struct ending endings[] = {
	{"triple-idt", "triple fault: IDT limit 0", lose_idt, 0},
	{"cr3-huge", "CR3 with bit 51 set", huge_cr3, X86_U64(1) << 51},
	{"halt", "HLT with interrupts off", hlt_forever, 0},
	{NULL, NULL, NULL, 0},
};
