/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ept.c Format of the extended page tables (SDM vol. 3, 29.3.2) and invalidation of what is
 * cached from them (29.4.3).
 */
#include "hypervisor/x86/vmx/vmx.h"

/* 29.3.2, Tables 29-1 to 29-6 */
#define EPT_READ	 (UINT64_C(1) << 0)
#define EPT_WRITE	 (UINT64_C(1) << 1)
#define EPT_EXEC	 (UINT64_C(1) << 2)
#define EPT_MEMORY_WB	 (UINT64_C(6) << 3)
#define EPT_LARGE	 (UINT64_C(1) << 7)

/* Extended-page-table pointer: 25.6.11, Table 25-9 */
#define EPTP_MEMORY_WB UINT64_C(6)
#define EPTP_WALK_4    (UINT64_C(3) << 3)

/**
 * Accessed and dirty flags (bit 6) stay off: nobody reads them, and they turn walks into writes.
 */
static uint64_t ept_root(hpa_t table)
{
	return table.raw | EPTP_WALK_4 | EPTP_MEMORY_WB;
}

static bool ept_has_1g(void)
{
	return vmx_caps.ept_vpid & EPT_CAP_1G;
}

const struct npt_format vmx_npt_format = {
	.read = EPT_READ,
	.write = EPT_WRITE,
	.exec = EPT_EXEC,
	.no_exec = 0,
	.table = EPT_READ | EPT_WRITE | EPT_EXEC,
	.large = EPT_LARGE,
	.memory_wb = EPT_MEMORY_WB,
	.leaf = 0,
	.levels = 4,
	.root = ept_root,
	.has_1g = ept_has_1g,
};

static void flush_ept(const struct vmx_vcpu *v)
{
	bool single = vmx_caps.ept_vpid & EPT_CAP_INVEPT_SINGLE;

	invept(single ? INVEPT_SINGLE : INVEPT_ALL, v->eptp);
}

static void flush_vpid(const struct vmx_vcpu *v)
{
	bool single = vmx_caps.ept_vpid & VPID_CAP_SINGLE;

	if (v->vpid != 0)
		invvpid(single ? INVVPID_SINGLE : INVVPID_ALL, v->vpid);
}

void vmx_flush_now(struct vmx_vcpu *v, uint32_t work)
{
	if (work & VMX_WORK_FLUSH_EPT)
		flush_ept(v);
	if (work & VMX_WORK_FLUSH_VPID)
		flush_vpid(v);
}

/** Both instructions have the type for all contexts wherever they exist (A.10). */
void vmx_cpu_flush(void)
{
	invept(INVEPT_ALL, 0);
	if (vmx_caps.ept_vpid & VPID_CAP_ALL)
		invvpid(INVVPID_ALL, 0);
}

void vmx_flush(struct vcpu *vcpu)
{
	vmx_of(vcpu)->work |= VMX_WORK_FLUSH_EPT | VMX_WORK_FLUSH_VPID;
}
