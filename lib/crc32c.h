/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file crc32c.h
 * CRC-32C (Castagnoli; RFC 3720 appendix B.4, the CRC of iSCSI and of the SSE4.2 instruction).
 */
#ifndef LIB_CRC32C_H
#define LIB_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/**
 * Continue a CRC-32C.
 * @param crc   0 to start with, or the result for the bytes before.
 * @param bytes what to add.
 * @param size  in bytes.
 * @return the CRC of all bytes so far.
 *
 * The first call builds an 8 KiB table; call once before other threads or CPUs do.
 */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size);

#endif
