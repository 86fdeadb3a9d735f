/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file system_check.h
 * The parts of system_image_open(): only for it. Each check trusts what those before it have checked.
 */
#ifndef LIB_SYSTEM_CHECK_H
#define LIB_SYSTEM_CHECK_H

#include "lib/system_image.h"

/** What is being built and where the reason goes. */
struct system_check {
	struct system_image image;
	struct system_image_error *error;
};

/** Note why. @return false */
bool system_check_refuse(struct system_check *check, const char *table, uint32_t entry,
			 const char *reason);
/** @return whether a name is well-formed: not empty, letters, digits, "_-.", NUL-padded. */
bool system_check_name(const char name[SYSTEM_NAME_SIZE]);
/** Plans and windows. */
bool system_check_time(struct system_check *check);
/** Channels, ports, regions and shares. */
bool system_check_communication(struct system_check *check);
bool system_check_devices(struct system_check *check);
/** Health monitor and trace. */
bool system_check_health(struct system_check *check);

#endif
