/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file mc146818.h
 * Motorola MC146818A real-time clock with 128 bytes of CMOS RAM, ports 70h and 71h.
 */
#ifndef VMM_DEV_MC146818_H
#define VMM_DEV_MC146818_H

#include "vmm/dev/device.h"
#include "vmm/timer.h"

#define MC146818_RAM 128u

struct mc146818 {
	struct device dev;
	struct wire irq;
	struct wire nmi_mask;  /**< bit 7 of port 70h */
	struct timer periodic; /**< armed while the periodic interrupt is enabled */
	struct timer update;   /**< armed while an alarm or update-ended interrupt is enabled */
	uint64_t epoch;	       /**< platform_time() at which the clock showed `base` */
	uint64_t base;	       /**< seconds since 1970-01-01 00:00 */
	uint64_t seen;	       /**< second (since 1970) up to which UF and AF are worked out */
	uint64_t period_seen;  /**< likewise of PF: periods since the epoch */
	uint8_t index;
	uint8_t ram[MC146818_RAM]; /**< registers 0 to Dh too, the time as of the last look */
};

/** @param seconds since 1970-01-01 00:00 UTC that the clock shows now */
void mc146818_init(struct mc146818 *rtc, struct timer_queue *queue, uint64_t seconds);
/** Set what firmware leaves in CMOS RAM: memory sizes and the like. */
void mc146818_store(struct mc146818 *rtc, unsigned int index, uint8_t value);

#endif
