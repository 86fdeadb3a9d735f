/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test_device.h
 * A device for benchmarks and conformance tests, there only with --test-device (QEMU's pc-testdev
 * is the like): scratch bytes that keep what was written, and a counter that shows whether an
 * instruction reached the device once, twice or never.
 *
 *     port C80     4 bytes: scratch bytes 0 to 3
 *     FED80000    32 bytes: scratch bytes 0 to 31
 *     FED80020     8 bytes: accesses to scratch bytes so far, as the device saw them; writable
 *
 * Any size and alignment is good.
 *
 * @req VMM-090 With --test-device, and only then, a machine has a device that keeps what is written
 *              to it and counts how often it was reached.
 */
#ifndef VMM_DEV_TEST_DEVICE_H
#define VMM_DEV_TEST_DEVICE_H

#include "vmm/dev/device.h"

#define TEST_DEVICE_PORT    0x0c80u
#define TEST_DEVICE_MEMORY  0xfed80000u
#define TEST_DEVICE_SCRATCH 32u /**< bytes */
#define TEST_DEVICE_COUNT   (TEST_DEVICE_MEMORY + TEST_DEVICE_SCRATCH)

struct test_device {
	struct device dev;
	uint64_t accesses;
	/** Eight more than there are: an access of any size is one move of eight bytes. */
	uint8_t scratch[TEST_DEVICE_SCRATCH + 8];
};

void test_device_init(struct test_device *device);

#endif
