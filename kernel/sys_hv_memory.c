/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory: mapping pieces of the partition's RAM, and copying to and from guests.
 */
#include "kernel/address.h"
#include "kernel/hv_handle.h"
#include "kernel/paging.h"
#include "kernel/shared.h"
#include "kernel/sys_hv.h"
#include "kernel/user.h"

/* What is done of a piece counts more than why the rest wasn't: the next call will say that. */
static int64_t progress(hv_status_t status, uint64_t done)
{
	return done != 0 ? (int64_t)done : status;
}

/*
 * Physical address of memory that a guest may have. Regions that the partition only reads stay the
 * VMM's: the nested tables don't know which pages hv_protect() must not make writable.
 */
static uint64_t host_memory(const struct partition *partition, uint64_t host, uint64_t size)
{
	if (host >= USER_RAM && hv_range_ok(host - USER_RAM, size, partition->ram_size))
		return partition->ram_phys + (host - USER_RAM);
	return shared_lookup(partition, host, size);
}

static int64_t map(struct partition *partition, struct vm *vm, gpa_t where, uint64_t host,
		   uint64_t size, uint64_t prot)
{
	uint64_t phys = host_memory(partition, host, size), done = 0;
	hv_status_t status;

	if (phys == UINT64_MAX)
		return HV_E_FAULT;
	status = vm_map(vm, where, hpa(phys), size, (uint32_t)prot, &done);
	return progress(status, done);
}

/** @req KRN-020 A VMM can give its guest no memory but its own partition's RAM, and regions that it writes. */
int64_t sys_hv_map(uint64_t handle, uint64_t where, uint64_t host, uint64_t size, uint64_t prot)
{
	if (prot > HV_PROT_ALL)
		return HV_E_INVALID;
	HV_CALL(vm, vm, handle, map(hv_partition, vm, gpa(where), host, size, prot));
}

static int64_t unmap(struct vm *vm, gpa_t where, uint64_t size)
{
	uint64_t done = 0;
	hv_status_t status = vm_unmap(vm, where, size, &done);

	return progress(status, done);
}

int64_t sys_hv_unmap(uint64_t handle, uint64_t where, uint64_t size)
{
	HV_CALL(vm, vm, handle, unmap(vm, gpa(where), size));
}

static int64_t protect(struct vm *vm, gpa_t where, uint64_t size, uint64_t prot)
{
	uint64_t done = 0;
	hv_status_t status = vm_protect(vm, where, size, (uint32_t)prot, &done);

	return progress(status, done);
}

int64_t sys_hv_protect(uint64_t handle, uint64_t where, uint64_t size, uint64_t prot)
{
	if (prot > HV_PROT_ALL)
		return HV_E_INVALID;
	HV_CALL(vm, vm, handle, protect(vm, gpa(where), size, prot));
}

/* ---- copies ---- */

static uint64_t to_page_end(uint64_t address)
{
	return HV_PAGE_SIZE - (address & HV_PAGE_MASK);
}

static uint64_t smallest(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Up to the end of a page on either side, straight between the two. */
static int64_t copy(struct partition *partition, struct vm *vm, uint64_t guest, uint64_t host,
		    uint64_t size, bool to_guest)
{
	uint64_t count = smallest(size, to_page_end(guest), to_page_end(host));
	uint64_t phys = paging_lookup(partition->root, host, !to_guest);
	hv_status_t status;

	if (phys == UINT64_MAX)
		return HV_E_FAULT;
	if (to_guest)
		status = vm_write(vm, gpa(guest), phys_to_virt(phys), count);
	else
		status = vm_read(vm, gpa(guest), phys_to_virt(phys), count);
	return status == HV_OK ? (int64_t)count : status;
}

int64_t sys_hv_read(uint64_t handle, uint64_t from, uint64_t to, uint64_t size)
{
	HV_CALL(vm, vm, handle, copy(hv_partition, vm, from, to, size, false));
}

int64_t sys_hv_write(uint64_t handle, uint64_t to, uint64_t from, uint64_t size)
{
	HV_CALL(vm, vm, handle, copy(hv_partition, vm, to, from, size, true));
}
