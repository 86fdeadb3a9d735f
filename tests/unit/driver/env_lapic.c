/* SPDX-License-Identifier: BSD-2-Clause */
/** @file env_lapic.c What the local APIC needs of the rest of the driver, recorded. */
#include "tests/unit/driver/env_lapic.h"

#include "hypervisor/x86/arch.h"

#include <stdlib.h>
#include <string.h>

struct lapic_env lapic_env;

static void apic_mode(struct vcpu *vcpu)
{
	lapic_env.mode_changes++;
	(void)vcpu;
}

static const struct vendor_ops ops = {.name = "none", .apic_mode = apic_mode};
const struct vendor_ops *vendor = &ops;

void vcpu_post(struct vcpu *vcpu, uint32_t work)
{
	lapic_env.posts++;
	vcpu_work(vcpu, work);
}

void vcpu_fetch_regs(struct vcpu *vcpu, uint32_t groups)
{
	vcpu->cached |= groups;
}

/* The paravirtual end of interrupt is tested with the whole driver: test-pv-eoi.c. */
const struct hv_x86_cpuid *cpuid_row(const struct vm *vm, uint32_t leaf, uint32_t subleaf)
{
	(void)vm;
	(void)leaf;
	(void)subleaf;
	return NULL;
}

void *npt_pointer(const struct npt *npt, gpa_t where, uint32_t prot)
{
	(void)npt;
	(void)where;
	(void)prot;
	return NULL;
}

void lapic_env_make(uint32_t vcpus, enum lapic_mode mode)
{
	static struct vcpu pool[HV_MAX_VCPUS];
	static struct vm vm;

	process_reset();
	memset(&lapic_env, 0, sizeof(lapic_env));
	memset(&vm, 0, sizeof(vm));
	memset(pool, 0, sizeof(pool));
	lapic_env.vm = &vm;
	vm.vcpu_limit = vcpus;
	for (uint32_t i = 0; i < vcpus; i++) {
		struct vcpu *vcpu = &pool[i];

		vcpu->vm = &vm;
		vcpu->index = i;
		vcpu->lapic.page = process_ram(HV_PAGE_SIZE, HV_PAGE_SIZE);
		vcpu->lapic.base = LAPIC_DEFAULT_BASE | 0x800 | (i == 0 ? 0x100 : 0);
		vm.vcpu[i] = vcpu;
		lapic_reset(vcpu);
		if (mode == LAPIC_X2APIC)
			lapic_set_base(vcpu, vcpu->lapic.base | 0x400);
		lapic_write(vcpu, LAPIC_SVR, 0x1ff);
		vcpu->work = 0;
	}
	lapic_env.posts = lapic_env.mode_changes = 0;
}

uint32_t lapic_env_work(uint32_t index)
{
	struct vcpu *vcpu = lapic_env.vm->vcpu[index];
	uint32_t work = vcpu->work;

	vcpu->work = 0;
	return work;
}
