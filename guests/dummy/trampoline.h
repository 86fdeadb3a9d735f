/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trampoline.h
 * Where a starting CPU finds its code: a page below 1 MiB. Usable from assembly.
 */
#ifndef GUESTS_DUMMY_TRAMPOLINE_H
#define GUESTS_DUMMY_TRAMPOLINE_H

#define TRAMPOLINE_PAGE 0x8000

#endif
