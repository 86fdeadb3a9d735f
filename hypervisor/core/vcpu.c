/* SPDX-License-Identifier: BSD-2-Clause */
/** @file vcpu.c Virtual CPUs: creation, what other threads may do to one, statistics. */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/gpt.h"
#include "hypervisor/x86/exits.h"

static hv_status_t build(struct vcpu *vcpu)
{
	vcpu->page = pool_alloc(vcpu->vm->pool, HV_PAGE_SIZE);
	if (!vcpu->page)
		return HV_E_NOMEM;
	const hv_status_t status = arch_vcpu_init(vcpu);

	if (status != HV_OK)
		pool_free(vcpu->vm->pool, vcpu->page, HV_PAGE_SIZE);
	return status;
}

hv_status_t vcpu_create(struct vm *vm, uint32_t index, struct vcpu **out,
			struct hv_vcpu_page **page)
{
	if (index >= vm->vcpu_limit)
		return HV_E_INVALID;
	if (vm->vcpu[index])
		return HV_E_EXISTS;
	struct vcpu *vcpu = pool_alloc(vm->pool, sizeof(*vcpu));

	if (!vcpu)
		return HV_E_NOMEM;
	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->cpu = UINT32_MAX;
	const hv_status_t status = build(vcpu);

	if (status != HV_OK) {
		pool_free(vm->pool, vcpu, sizeof(*vcpu));
		return status;
	}
	arch_vcpu_reset(vcpu);
	*page = vcpu->page;
	*out = vcpu;
	__atomic_store_n(&vm->vcpu[index], vcpu, __ATOMIC_RELEASE);
	return HV_OK;
}

void vcpu_post(struct vcpu *vcpu, uint32_t work)
{
	__atomic_or_fetch(&vcpu->work, work, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&vcpu->in_guest, __ATOMIC_SEQ_CST)) {
		host_kick(vcpu->cpu);
		return;
	}
	struct host_thread *const thread = __atomic_load_n(&vcpu->thread, __ATOMIC_SEQ_CST);

	if (thread)
		host_unblock(thread);
}

void vcpu_hide_time(struct vcpu *vcpu, uint64_t ticks, bool fresh)
{
	if (vcpu->cpu != host_cpu() && !(fresh && vcpu->cpu == UINT32_MAX))
		return;
	vcpu->hidden += ticks;
	__atomic_or_fetch(&vcpu->work, VCPU_WORK_HIDE, __ATOMIC_SEQ_CST);
}

hv_status_t vcpu_kick(struct vcpu *vcpu)
{
	vcpu_post(vcpu, VCPU_WORK_KICK);
	return HV_OK;
}

/** The thread that ran it last is still on the same CPU; only another one has to be looked at. */
static hv_status_t bind(struct vcpu *vcpu, struct host_thread *self)
{
	if (vcpu->cpu != host_cpu() && vcpu->cpu != UINT32_MAX) {
		vcpu_release(vcpu);
		return HV_E_STATE;
	}
	vcpu->cpu = host_cpu();
	vcpu->bound = self;
	return HV_OK;
}

hv_status_t vcpu_claim(struct vcpu *vcpu)
{
	struct host_thread *const self = host_thread_self();
	struct host_thread *nobody = NULL;

	if (!__atomic_compare_exchange_n(&vcpu->thread, &nobody, self, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return HV_E_BUSY;
	return vcpu->bound == self ? HV_OK : bind(vcpu, self);
}

/** Before its first entry a vCPU may still be moved: whoever sets it up need not be who runs it. */
static void unbind(struct vcpu *vcpu)
{
	arch_vcpu_unbind(vcpu);
	vcpu->cpu = UINT32_MAX;
	vcpu->bound = NULL;
}

void vcpu_release(struct vcpu *vcpu)
{
	if (__builtin_expect(vcpu->stats.entries == 0, 0) && vcpu->cpu == host_cpu())
		unbind(vcpu);
	__atomic_store_n(&vcpu->thread, NULL, __ATOMIC_RELEASE);
}

hv_status_t vcpu_get(struct vcpu *vcpu, uint32_t groups)
{
	if ((groups & ~HV_X86_REGS_ALL) != 0)
		return HV_E_INVALID;
	const hv_status_t status = vcpu_claim(vcpu);

	if (status != HV_OK)
		return status;
	arch_fill_page(vcpu, groups | (vcpu->page->valid & HV_X86_REGS_ALL));
	arch_vcpu_put(vcpu);
	vcpu_release(vcpu);
	return HV_OK;
}

hv_status_t vcpu_reset(struct vcpu *vcpu)
{
	const hv_status_t status = vcpu_claim(vcpu);

	if (status != HV_OK)
		return status;
	arch_vcpu_reset(vcpu);
	vcpu_release(vcpu);
	return HV_OK;
}

hv_status_t vcpu_translate(struct vcpu *vcpu, gva_t from, uint32_t access, gpa_t *to,
			   uint32_t *fault)
{
	struct gpt_mode mode;
	uint32_t code = 0;

	if (access == 0 || (access & ~HV_PROT_ALL) != 0)
		return HV_E_INVALID;
	hv_status_t status = vcpu_claim(vcpu);

	if (status != HV_OK)
		return status;
	vcpu_paging_mode(vcpu, &mode);
	status = gpt_translate(&vcpu->vm->npt, &mode, from, access, false, to, &code);
	if (fault)
		*fault = code;
	vcpu_release(vcpu);
	return status;
}

/** The vCPU goes on counting meanwhile: each counter is whole, together they are of about now. */
__attribute__((no_sanitize("thread")))
void vcpu_stats(const struct vcpu *vcpu, struct hv_stats *stats)
{
	const volatile uint64_t *const from = (const volatile uint64_t *)&vcpu->stats;
	uint64_t *const to = (uint64_t *)stats;

	for (size_t i = 0; i < sizeof(*stats) / sizeof(*to); i++)
		to[i] = from[i];
	stats->table_pages = vcpu->vm->npt.pages;
}
