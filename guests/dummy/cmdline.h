/* SPDX-License-Identifier: BSD-2-Clause */
/** @file cmdline.h Words of a command line; rt.h has the same for that of this boot. */
#ifndef GUESTS_DUMMY_CMDLINE_H
#define GUESTS_DUMMY_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** @return whether `word` stands alone in the line. */
bool cmdline_has(const char *line, const char *word);

/** Looks for `name=value`. @return the value, copied into buf; NULL: there is none or it doesn't fit. */
const char *cmdline_get(const char *line, const char *name, char *buf, size_t size);

/** As cmdline_get, for a decimal number. */
uint64_t cmdline_get_number(const char *line, const char *name, uint64_t otherwise);

#endif
