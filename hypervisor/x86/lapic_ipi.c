/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file lapic_ipi.c
 * Messages between local APICs and from devices: who is meant (SDM 11.6.2) and what it does there
 * (SDM 11.6.1, 11.11). Receivers' registers are only read; what they get is posted.
 */
#include "hypervisor/x86/lapic_internal.h"

#define BROADCAST	UINT32_C(0xffffffff) /**< x2APIC; 0xff in 8-bit destinations */
#define XAPIC_BROADCAST 0xffu
#define DFR_CLUSTER	0u /**< DFR[31:28]; 15 is the flat model */
#define CLUSTER_ALL	0xfu

/* Message address and data (SDM 11.11.1, 11.11.2) */
#define MSI_ADDRESS	     UINT64_C(0xfee00000)
#define MSI_ADDRESS_MASK     (~UINT64_C(0xfffff))
#define MSI_DESTINATION(a)   ((uint32_t)((a) >> 12) & 0xffu)
#define MSI_REDIRECTION_HINT 8u
#define MSI_LOGICAL	     4u
#define MSI_LEVEL_ASSERT     0x4000u
#define MSI_TRIGGER_LEVEL    0x8000u

/** One message under way. */
struct message {
	uint32_t destination;
	bool logical;
	bool wide;   /**< a 32-bit destination; otherwise 8 bits */
	bool lowest; /**< to one of those meant: lowest priority */
	bool level;  /**< level-triggered */
	uint32_t mode; /**< APIC_DM_* */
	uint32_t vector;
};

/* ------------------------------------------------------------------------------------ who is meant */

static bool logical_xapic(const struct lapic *lapic, uint32_t destination)
{
	uint32_t ldr = lapic_get(lapic, LAPIC_LDR) >> 24;

	if (lapic_get(lapic, LAPIC_DFR) >> 28 != DFR_CLUSTER)
		return (ldr & destination & 0xffu) != 0;
	if (destination >> 4 != CLUSTER_ALL && destination >> 4 != ldr >> 4)
		return false;
	return (ldr & destination & 0xfu) != 0;
}

static bool logical_x2apic(const struct lapic *lapic, uint32_t destination)
{
	uint32_t ldr = lapic_get(lapic, LAPIC_LDR);

	return destination >> 16 == ldr >> 16 && (destination & ldr & 0xffffu) != 0;
}

static bool broadcast(const struct message *message)
{
	return message->destination == (message->wide ? BROADCAST : XAPIC_BROADCAST);
}

/** An xAPIC takes 8-bit destinations only: a wider one isn't it (SDM 11.12.10: mixed modes). */
static bool is_meant(const struct vcpu *vcpu, const struct message *message)
{
	const struct lapic *lapic = &vcpu->lapic;
	enum lapic_mode mode = __atomic_load_n(&lapic->mode, __ATOMIC_RELAXED);

	if (mode == LAPIC_OFF)
		return false;
	if (!message->logical)
		return broadcast(message) || message->destination == vcpu->index;
	if (mode == LAPIC_X2APIC)
		return (message->wide && broadcast(message)) ||
		       logical_x2apic(lapic, message->destination);
	return broadcast(message) || (message->destination <= XAPIC_BROADCAST &&
				      logical_xapic(lapic, message->destination));
}

/* ------------------------------------------------------------------------------ what it does there */

static void post(struct vcpu *from, struct vcpu *to, uint32_t work)
{
	if (from == to)
		vcpu_work(to, work);
	else
		vcpu_post(to, work);
}

static void deliver_fixed(struct vcpu *from, struct vcpu *to, const struct message *message)
{
	if (from == to && !message->level && message->vector >= LAPIC_FIRST_VECTOR)
		lapic_raise(to, message->vector);
	else
		lapic_request(to, message->vector, message->level);
}

static void deliver(struct vcpu *from, struct vcpu *to, const struct message *message)
{
	switch (message->mode) {
	case APIC_DM_FIXED:
	case APIC_DM_LOWEST:
		deliver_fixed(from, to, message);
		break;
	case APIC_DM_NMI:
		post(from, to, VCPU_WORK_NMI);
		break;
	case APIC_DM_INIT: /* a start-up message that came before it is not for what comes after it */
		__atomic_and_fetch(&to->work, ~VCPU_WORK_SIPI, __ATOMIC_SEQ_CST);
		post(from, to, VCPU_WORK_INIT);
		break;
	case APIC_DM_STARTUP:
		__atomic_store_n(&to->lapic.sipi_vector, message->vector, __ATOMIC_RELEASE);
		post(from, to, VCPU_WORK_SIPI);
		break;
	default: /* SMI: there is no SMM. ExtINT and the reserved one: not by message (SDM Table 11-1). */
		break;
	}
}

static struct vcpu *vcpu_at(const struct vm *vm, uint32_t index)
{
	return __atomic_load_n(&vm->vcpu[index], __ATOMIC_ACQUIRE);
}

/** Among those meant, who works at the lowest task priority; where equal, by turns of the vector. */
static struct vcpu *lowest_priority(const struct vm *vm, const struct message *message)
{
	struct vcpu *best = NULL;
	uint32_t best_priority = 0x100;

	for (uint32_t i = 0; i < HV_MAX_VCPUS; i++) {
		struct vcpu *vcpu = vcpu_at(vm, (message->vector + i) % HV_MAX_VCPUS);
		uint32_t priority;

		if (vcpu == NULL || !is_meant(vcpu, message) || !lapic_enabled(&vcpu->lapic))
			continue;
		priority = lapic_get(&vcpu->lapic, LAPIC_TPR) & 0xf0u;
		if (priority >= best_priority)
			continue;
		best_priority = priority;
		best = vcpu;
	}
	return best;
}

static void route(const struct vm *vm, struct vcpu *from, const struct message *message)
{
	if (message->lowest) {
		struct vcpu *to = lowest_priority(vm, message);

		if (to != NULL)
			deliver(from, to, message);
		return;
	}
	if (!message->logical && message->destination < HV_MAX_VCPUS) {
		struct vcpu *to = vcpu_at(vm, message->destination);

		if (to != NULL && is_meant(to, message))
			deliver(from, to, message);
		return;
	}
	for (uint32_t i = 0; i < HV_MAX_VCPUS; i++) {
		struct vcpu *to = vcpu_at(vm, i);

		if (to != NULL && is_meant(to, message))
			deliver(from, to, message);
	}
}

/* ---------------------------------------------------------------------------------- the ICR (SDM 11.6) */

/** Shorthands "all": with the sender only fixed ones are valid, without it any (SDM Table 11-3). */
static void send_all(struct vcpu *from, const struct message *message, bool with_self)
{
	struct message to_all = *message;

	if (with_self && message->mode != APIC_DM_FIXED)
		return;
	to_all.mode = message->mode == APIC_DM_LOWEST ? APIC_DM_FIXED : message->mode;
	for (uint32_t i = 0; i < HV_MAX_VCPUS; i++) {
		struct vcpu *to = vcpu_at(from->vm, i);

		if (to == NULL || (to == from && !with_self) ||
		    __atomic_load_n(&to->lapic.mode, __ATOMIC_RELAXED) == LAPIC_OFF)
			continue;
		deliver(from, to, &to_all);
	}
}

static bool carries_vector(uint32_t mode)
{
	return mode == APIC_DM_FIXED || mode == APIC_DM_LOWEST;
}

/** INIT level de-assert resets arbitration IDs on old CPUs, and does nothing since (SDM 11.6.1). */
static bool is_deassert(uint32_t low)
{
	return (low & APIC_DM_MASK) == APIC_DM_INIT && (low & APIC_ICR_LEVEL) != 0 &&
	       (low & APIC_ICR_ASSERT) == 0;
}

/** @req HV-074 An interprocessor interrupt or device message reaches exactly the processors that
 * are meant. */
void lapic_send(struct vcpu *from, uint64_t icr)
{
	uint32_t low = (uint32_t)icr;
	const struct message message = {
		.destination = (uint32_t)(icr >> APIC_ICR_X2APIC_SHIFT),
		.logical = (low & APIC_ICR_LOGICAL) != 0,
		.wide = from->lapic.mode == LAPIC_X2APIC,
		.lowest = (low & APIC_DM_MASK) == APIC_DM_LOWEST,
		.mode = low & APIC_DM_MASK,
		.vector = low & APIC_LVT_VECTOR,
	};

	if (is_deassert(low))
		return;
	if (carries_vector(message.mode) && message.vector < LAPIC_FIRST_VECTOR) {
		lapic_error(from, APIC_ESR_SEND_ILLEGAL);
		return;
	}
	switch (low & APIC_ICR_SHORTHAND) {
	case APIC_ICR_TO_SELF: /* fixed only (SDM Table 11-3) */
		if (message.mode == APIC_DM_FIXED)
			lapic_raise(from, message.vector);
		break;
	case APIC_ICR_TO_ALL:
	case APIC_ICR_TO_OTHERS:
		send_all(from, &message, (low & APIC_ICR_SHORTHAND) == APIC_ICR_TO_ALL);
		break;
	default:
		route(from->vm, from, &message);
		break;
	}
}

/* ------------------------------------------------------------------------------- devices (SDM 11.11) */

hv_status_t lapic_msi(struct vm *vm, uint64_t address, uint32_t data)
{
	const struct message message = {
		.destination = MSI_DESTINATION(address),
		.logical = (address & MSI_LOGICAL) != 0,
		.lowest = (address & MSI_REDIRECTION_HINT) != 0 ||
			  (data & APIC_DM_MASK) == APIC_DM_LOWEST,
		.level = (data & MSI_TRIGGER_LEVEL) != 0,
		.mode = data & APIC_DM_MASK,
		.vector = data & APIC_LVT_VECTOR,
	};

	if ((address & MSI_ADDRESS_MASK) != MSI_ADDRESS)
		return HV_E_INVALID;
	if (!carries_vector(message.mode) && message.mode != APIC_DM_NMI &&
	    message.mode != APIC_DM_INIT)
		return HV_E_UNSUPPORTED;
	if (message.level && (data & MSI_LEVEL_ASSERT) == 0)
		return HV_OK;
	route(vm, NULL, &message);
	return HV_OK;
}

hv_status_t vm_msi(struct vm *vm, uint64_t address, uint32_t data)
{
	return lapic_msi(vm, address, data);
}
