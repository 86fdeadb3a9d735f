/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/flush.h"

#include "hypervisor/driver.h"
#include "kernel/partition.h"
#include "kernel/sys_hv.h"
#include "kernel/trace.h"
#include "kernel/x86.h"

#define FLUSHES                                                                                    \
	(SYSTEM_PARTITION_FLUSH_CACHE | SYSTEM_PARTITION_FLUSH_BRANCH | SYSTEM_PARTITION_FLUSH_TLB)

/* Indirect branch prediction barrier (SDM 2A, CPUID leaf 7; APM 3, leaf 80000008h). */
#define LEAF_7_EDX_IBPB	       (UINT32_C(1) << 26)
#define LEAF_80000008_EBX_IBPB (UINT32_C(1) << 12)
#define PRED_CMD_IBPB	       1u

static bool has_ibpb;

void flush_init(void)
{
	if (x86_cpuid(0, 0).eax >= 7)
		has_ibpb = (x86_cpuid(7, 0).edx & LEAF_7_EDX_IBPB) != 0;
	if (x86_cpuid(0x80000000u, 0).eax >= 0x80000008u)
		has_ibpb |= (x86_cpuid(0x80000008u, 0).ebx & LEAF_80000008_EBX_IBPB) != 0;
}

static uint32_t flushes_of(const struct partition *partition)
{
	return partition != NULL ? partition->config->flags & FLUSHES : 0;
}

void flush_change(struct cpu *cpu, const struct partition *partition)
{
	if (partition == NULL)
		return; /* the idle thread leaves nothing */
	cpu->flush |= flushes_of(cpu->ran);
	cpu->ran = partition;
}

/* Global pages, too: the change of CR4.PGE does it (SDM 3A 4.10.4.1). */
static void flush_tlb(void)
{
	uint64_t cr4 = x86_read_cr4();

	x86_write_cr4(cr4 & ~(uint64_t)CR4_PGE);
	x86_write_cr4(cr4);
	if (hv_available)
		driver_cpu_flush();
}

static void flush(uint32_t what)
{
	if (what & SYSTEM_PARTITION_FLUSH_BRANCH && has_ibpb)
		x86_wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
	if (what & SYSTEM_PARTITION_FLUSH_TLB)
		flush_tlb();
	if (what & SYSTEM_PARTITION_FLUSH_CACHE)
		x86_wbinvd();
}

void flush_before(uint32_t partition)
{
	struct cpu *cpu = cpu_self();
	const struct partition *ran = cpu->ran;
	uint32_t what = cpu->flush;
	uint64_t start;

	if (partition == SYSTEM_NONE || ran == NULL)
		return;
	if (ran->index != partition)
		what |= flushes_of(ran);
	if (what == 0)
		return;
	start = x86_rdtsc();
	flush(what);
	cpu->flush = 0;
	cpu->ran = ran->index == partition ? ran : NULL;
	trace(TRACE_FLUSH, partition, what, (uint32_t)(x86_rdtsc() - start));
}
