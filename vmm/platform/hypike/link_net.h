/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file link_net.h
 * Networks of the command's (`hypike run --net`): cables whose other end is the link.
 */
#ifndef VMM_PLATFORM_HYPIKE_LINK_NET_H
#define VMM_PLATFORM_HYPIKE_LINK_NET_H

#include "vmm/platform.h"

/** Their numbers as regions begin here. */
#define LINK_REGIONS UINT32_C(0x80000000)

/** A frame of the command's, and the guest's frames: see link.c. */
bool link_net_take(uint8_t number, const uint8_t *frame, size_t size);
bool link_net_pump(void);

/** As platform_region(), of network `number`. */
bool link_net_region(uint8_t number, struct platform_region *region);
/** As platform_region_bind(). */
hv_status_t link_net_bind(const struct platform_region *region, uint8_t signal);

#endif
