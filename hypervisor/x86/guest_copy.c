/* SPDX-License-Identifier: BSD-2-Clause */
/** @file guest_copy.c Copies between the driver and guest memory, page by page. */
#include "hypervisor/x86/gpt.h"
#include "hypervisor/x86/npt.h"
#include "lib/string.h"

#define COPY_PAGES (GUEST_COPY_MAX / HV_PAGE_SIZE + 1u)

/** The pages of one copy as the driver sees them: all are found before the first byte moves. */
struct pieces {
	uint32_t count;
	struct {
		uint8_t *host;
		uint32_t size;
	} piece[COPY_PAGES];
};

enum direction { FROM_GUEST, TO_GUEST };

static uint32_t piece_size(uint64_t address, uint64_t left)
{
	uint64_t room = HV_PAGE_SIZE - (address & HV_PAGE_MASK);

	return (uint32_t)(left < room ? left : room);
}

static void add_piece(struct pieces *pieces, uint8_t *host, uint32_t size)
{
	pieces->piece[pieces->count].host = host;
	pieces->piece[pieces->count].size = size;
	pieces->count++;
}

static void move_pieces(const struct pieces *pieces, enum direction direction, void *mine)
{
	uint8_t *at = mine;

	for (uint32_t i = 0; i < pieces->count; i++) {
		uint8_t *host = pieces->piece[i].host;
		uint32_t size = pieces->piece[i].size;

		if (direction == TO_GUEST)
			memcpy(host, at, size);
		else
			memcpy(at, host, size);
		at += size;
	}
}

/* --------------------------------------------------------------------------- guest-physical */

static hv_status_t find_physical(const struct npt *npt, gpa_t where, uint64_t size, uint32_t prot,
				 struct pieces *pieces)
{
	pieces->count = 0;
	if (size > GUEST_COPY_MAX)
		return HV_E_OVERFLOW;
	if (!hv_range_ok(where.raw, size, NPT_LIMIT))
		return HV_E_FAULT;
	while (size > 0) {
		uint32_t step = piece_size(where.raw, size);
		uint8_t *host = npt_pointer(npt, where, prot);

		if (host == NULL)
			return HV_E_FAULT;
		add_piece(pieces, host, step);
		where.raw += step;
		size -= step;
	}
	return HV_OK;
}

hv_status_t guest_read(const struct npt *npt, gpa_t from, void *to, uint64_t size)
{
	struct pieces pieces;
	hv_status_t status = find_physical(npt, from, size, HV_PROT_READ, &pieces);

	if (status == HV_OK)
		move_pieces(&pieces, FROM_GUEST, to);
	return status;
}

/** @req HV-067 A write to guest memory that would fail anywhere changes nothing. */
hv_status_t guest_write(const struct npt *npt, gpa_t to, const void *from, uint64_t size)
{
	struct pieces pieces;
	hv_status_t status = find_physical(npt, to, size, HV_PROT_READ | HV_PROT_WRITE, &pieces);

	if (status == HV_OK)
		move_pieces(&pieces, TO_GUEST, (void *)(uintptr_t)from);
	return status;
}

/* ---------------------------------------------------------------------------- guest-virtual */

/** What a virtual copy is made with, and where it failed. */
struct reach {
	const struct npt *npt;
	const struct gpt_mode *mode;
	uint32_t access;
	gva_t *where;
	uint32_t *fault;
};

static hv_status_t find_virtual(const struct reach *reach, gva_t at, uint64_t size,
				struct pieces *pieces)
{
	uint32_t prot = reach->access == HV_PROT_WRITE ? HV_PROT_READ | HV_PROT_WRITE : reach->access;

	*reach->fault = 0;
	pieces->count = 0;
	if (size > GUEST_COPY_MAX)
		return HV_E_OVERFLOW;
	while (size > 0) {
		uint32_t step = piece_size(at.raw, size);
		gpa_t physical;
		uint8_t *host;
		hv_status_t status = gpt_translate(reach->npt, reach->mode, at, reach->access, true,
						   &physical, reach->fault);

		*reach->where = at;
		if (status != HV_OK)
			return status;
		host = npt_pointer(reach->npt, physical, prot);
		if (host == NULL)
			return HV_E_NOENT;
		add_piece(pieces, host, step);
		at.raw += step;
		size -= step;
	}
	return HV_OK;
}

hv_status_t guest_read_virtual(const struct npt *npt, const struct gpt_mode *mode, gva_t from,
			       void *to, uint64_t size, uint32_t access, gva_t *where,
			       uint32_t *fault)
{
	const struct reach reach = {npt, mode, access, where, fault};
	struct pieces pieces;
	hv_status_t status = find_virtual(&reach, from, size, &pieces);

	if (status == HV_OK)
		move_pieces(&pieces, FROM_GUEST, to);
	return status;
}

hv_status_t guest_write_virtual(const struct npt *npt, const struct gpt_mode *mode, gva_t to,
				const void *from, uint64_t size, gva_t *where, uint32_t *fault)
{
	const struct reach reach = {npt, mode, HV_PROT_WRITE, where, fault};
	struct pieces pieces;
	hv_status_t status = find_virtual(&reach, to, size, &pieces);

	if (status == HV_OK)
		move_pieces(&pieces, TO_GUEST, (void *)(uintptr_t)from);
	return status;
}
