/* SPDX-License-Identifier: BSD-2-Clause */
/** @file bench.h A bus with a clock, on which tests try one device. */
#ifndef TESTS_UNIT_VMM_BENCH_H
#define TESTS_UNIT_VMM_BENCH_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/vmm/mock.h"
#include "vmm/bus.h"
#include "vmm/timer.h"

/** A bus with a clock for tests of single devices. */
struct bench {
	struct bus bus;
	struct timer_queue timers;
	unsigned int edges; /**< rising edges that bench_wire() saw */
	bool level;
};

void bench_init(struct bench *bench, struct device *dev);
/** A wire's sink that counts. */
void bench_wire(void *bench, unsigned int pin, bool level);
/** Let time pass, with timers firing at their moments. */
void bench_pass(struct bench *bench, uint64_t ns);

static inline uint8_t in8(struct bench *bench, uint16_t port)
{
	return (uint8_t)bus_port_read(&bench->bus, port, 1);
}

static inline void out8(struct bench *bench, uint16_t port, unsigned int value)
{
	bus_port_write(&bench->bus, port, 1, value & 0xff);
}

/** Random accesses of all sizes to all ports of a device, and saved states with random content. */
void bench_torment(struct bench *bench, struct device *dev, unsigned int rounds);
/** A reproducible random number. */
uint32_t bench_random(void);

#endif
