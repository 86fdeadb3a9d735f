/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file doorbell.c
 * Doorbells: writes that only signal. A hash table with open addressing of fixed size; it is at most
 * half full, so a look-up ends after few steps.
 *
 * Readers take no lock: a slot is filled before `used` is set, and its version tells whether it was removed and filled
 * anew while they read; then neither doorbell rings for them. A write that races with a removal may still ring once.
 */
#include "hypervisor/core/core.h"

#define DOORBELLS_MAX (VM_DOORBELLS / 2)

static uint32_t slot_of(uint8_t space, uint64_t address)
{
	const uint64_t mixed = (address + space) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(mixed >> 58);
}
_Static_assert(VM_DOORBELLS == 64, "slot_of() yields six bits");

static bool same(const struct hv_doorbell *a, const struct hv_doorbell *b)
{
	return a->space == b->space && a->address == b->address && a->size == b->size &&
	       a->match == b->match && (!a->match || a->value == b->value);
}

static bool well_formed(const struct hv_doorbell *bell)
{
	if (bell->space > HV_DOORBELL_MEMORY || bell->signal >= HV_MAX_SIGNALS || bell->match > 1)
		return false;
	if (bell->size != 0 && bell->size != 1 && bell->size != 2 && bell->size != 4 &&
	    (bell->size != 8 || bell->space == HV_DOORBELL_PORT))
		return false;
	if (bell->space == HV_DOORBELL_PORT)
		return bell->address <= 0xffff;
	return bell->address < NPT_LIMIT;
}

static struct doorbell_slot *find(struct vm *vm, const struct hv_doorbell *bell)
{
	uint32_t at = slot_of(bell->space, bell->address);

	for (uint32_t i = 0; i < VM_DOORBELLS; i++, at = (at + 1) % VM_DOORBELLS) {
		struct doorbell_slot *const slot = &vm->doorbell[at];

		if (!slot->used && !slot->removed)
			return NULL;
		if (slot->used && same(&slot->bell, bell))
			return slot;
	}
	return NULL;
}

/* Stores that release, and loads that acquire, are in order, as fences would have it; on x86 they cost nothing. */
static void fill(struct doorbell_slot *slot, const struct hv_doorbell *bell)
{
	const uint32_t version = slot->version;

	__atomic_store_n(&slot->version, version + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->bell.address, bell->address, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->bell.value, bell->value, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->bell.space, bell->space, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->bell.size, bell->size, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->bell.match, bell->match, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->bell.signal, bell->signal, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->version, version + 2, __ATOMIC_RELEASE);
}

/** @return false where the slot was being filled. */
static bool read_slot(const struct doorbell_slot *slot, struct hv_doorbell *bell)
{
	const uint32_t version = __atomic_load_n(&slot->version, __ATOMIC_ACQUIRE);

	bell->address = __atomic_load_n(&slot->bell.address, __ATOMIC_ACQUIRE);
	bell->value = __atomic_load_n(&slot->bell.value, __ATOMIC_ACQUIRE);
	bell->space = __atomic_load_n(&slot->bell.space, __ATOMIC_ACQUIRE);
	bell->size = __atomic_load_n(&slot->bell.size, __ATOMIC_ACQUIRE);
	bell->match = __atomic_load_n(&slot->bell.match, __ATOMIC_ACQUIRE);
	bell->signal = __atomic_load_n(&slot->bell.signal, __ATOMIC_ACQUIRE);
	return (version & 1) == 0 && __atomic_load_n(&slot->version, __ATOMIC_RELAXED) == version;
}

static hv_status_t add_locked(struct vm *vm, const struct hv_doorbell *bell)
{
	if (find(vm, bell))
		return HV_E_EXISTS;
	if (vm->doorbells >= DOORBELLS_MAX)
		return HV_E_FULL;
	uint32_t at = slot_of(bell->space, bell->address);

	while (vm->doorbell[at].used)
		at = (at + 1) % VM_DOORBELLS;
	fill(&vm->doorbell[at], bell);
	__atomic_store_n(&vm->doorbell[at].used, true, __ATOMIC_RELEASE);
	__atomic_add_fetch(&vm->doorbells, 1, __ATOMIC_RELAXED);
	return HV_OK;
}

hv_status_t vm_doorbell_add(struct vm *vm, const struct hv_doorbell *bell)
{
	if (!well_formed(bell))
		return HV_E_INVALID;
	host_lock(&vm->lock);
	const hv_status_t status = add_locked(vm, bell);
	host_unlock(&vm->lock);
	return status;
}

hv_status_t vm_doorbell_remove(struct vm *vm, const struct hv_doorbell *bell)
{
	host_lock(&vm->lock);
	struct doorbell_slot *const slot = find(vm, bell);

	if (slot) {
		__atomic_store_n(&slot->removed, true, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->used, false, __ATOMIC_RELEASE);
		__atomic_sub_fetch(&vm->doorbells, 1, __ATOMIC_RELAXED);
	}
	host_unlock(&vm->lock);
	return slot ? HV_OK : HV_E_NOENT;
}

static bool rings(const struct hv_doorbell *bell, uint8_t space, uint64_t address, uint32_t size,
		  uint64_t value)
{
	return bell->space == space && bell->address == address &&
	       (bell->size == 0 || bell->size == size) && (!bell->match || bell->value == value);
}

/** @req HV-003 A doorbell rings without an exit to the VMM, at a cost that doesn't grow with their number. */
bool doorbell_ring(struct vm *vm, uint8_t space, uint64_t address, uint32_t size, uint64_t value)
{
	if (!doorbell_any(vm))
		return false;
	uint32_t at = slot_of(space, address);

	for (uint32_t i = 0; i < VM_DOORBELLS; i++, at = (at + 1) % VM_DOORBELLS) {
		const struct doorbell_slot *const slot = &vm->doorbell[at];
		struct hv_doorbell bell;
		const bool used = __atomic_load_n(&slot->used, __ATOMIC_ACQUIRE);

		if (!used && !__atomic_load_n(&slot->removed, __ATOMIC_RELAXED))
			return false;
		if (!used || !read_slot(slot, &bell) || !rings(&bell, space, address, size, value))
			continue;
		struct host_thread *const signal = __atomic_load_n(&vm->signal, __ATOMIC_ACQUIRE);

		if (signal)
			host_notify(signal, UINT64_C(1) << bell.signal);
		return true;
	}
	return false;
}
