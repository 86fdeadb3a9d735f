/* SPDX-License-Identifier: BSD-2-Clause */
/** @file slirp.h A network without privileges: the guest's connections are the user's, by libslirp. */
#ifndef TOOLS_SLIRP_H
#define TOOLS_SLIRP_H

#include "tools/util.h"

/**
 * Start it: the guest is 10.0.2.15 (by DHCP), the host 10.0.2.2, the name server 10.0.2.3.
 * @param forward tcp:HOST:GUEST and udp:HOST:GUEST: ports of 127.0.0.1 that are the guest's
 * @return a socket that takes and gives a frame at a time; -1: an error, in errno
 */
int slirp_start(const struct strings *forward);

#endif
