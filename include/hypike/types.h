/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file types.h
 * Address types that cannot be mixed up, and the status codes that every contract shares.
 *
 * A guest-physical, guest-virtual and host-physical address are three structures: the compiler
 * refuses to take one for another. A host-virtual address is a C pointer.
 */
#ifndef HYPIKE_TYPES_H
#define HYPIKE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Guest-physical address: what the guest takes for a physical address. */
typedef struct {
	uint64_t raw;
} gpa_t;

/** Guest-virtual address: translated by the guest's own page tables. On x86 a linear address. */
typedef struct {
	uint64_t raw;
} gva_t;

/** Host-physical address: what the memory controller sees. */
typedef struct {
	uint64_t raw;
} hpa_t;

static inline gpa_t gpa(uint64_t raw)
{
	return (gpa_t){raw};
}

static inline gva_t gva(uint64_t raw)
{
	return (gva_t){raw};
}

static inline hpa_t hpa(uint64_t raw)
{
	return (hpa_t){raw};
}

#define HV_PAGE_SHIFT 12u
#define HV_PAGE_SIZE  4096u
#define HV_PAGE_MASK  (HV_PAGE_SIZE - 1u)
#define HV_2M	      (UINT64_C(1) << 21)
#define HV_1G	      (UINT64_C(1) << 30)

/** Result of a call: zero, or one of these, always negative. */
typedef enum {
	HV_OK = 0,
	HV_E_INVALID = -1,     /**< an argument is malformed or out of range */
	HV_E_UNSUPPORTED = -2, /**< this machine or this back end cannot do it */
	HV_E_NOMEM = -3,       /**< the caller's own quota is used up */
	HV_E_FAULT = -4,       /**< an address is not mapped, or not with that right */
	HV_E_EXISTS = -5,      /**< something is there already */
	HV_E_NOENT = -6,       /**< nothing is there */
	HV_E_BUSY = -7,	       /**< in use by another thread */
	HV_E_DENIED = -8,      /**< the configuration does not allow it */
	HV_E_TIMEOUT = -9,     /**< the deadline passed first */
	HV_E_STATE = -10,      /**< not possible in the present state */
	HV_E_OVERFLOW = -11,   /**< a sum or product does not fit */
	HV_E_FULL = -12,       /**< a queue or table has no room */
	HV_E_EMPTY = -13,      /**< a queue has nothing in it */
	HV_E_RANGE = -14,      /**< a number behind the last, or a buffer that is too small */
} hv_status_t;

/** @return true and the sum in `*sum`, or false where a + b wraps. */
static inline bool hv_add_ok(uint64_t a, uint64_t b, uint64_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

/** @return true where [start, start + size) lies inside [0, limit) without wrapping. */
static inline bool hv_range_ok(uint64_t start, uint64_t size, uint64_t limit)
{
	return start <= limit && size <= limit - start;
}

#endif
