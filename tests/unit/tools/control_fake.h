/* SPDX-License-Identifier: BSD-2-Clause */
/** @file control_fake.h A machine to be controlled that isn't one; for tests of the control socket. */
#ifndef TESTS_UNIT_TOOLS_CONTROL_FAKE_H
#define TESTS_UNIT_TOOLS_CONTROL_FAKE_H

#include "tools/control.h"

extern const struct control_machine fake_machine;

/** What it is in, and what was asked of it last. */
extern struct fake {
	enum hypike_vmm_state state;
	const char *asked;
	const char *refuses; /**< what it says to everything; NULL: nothing */
	unsigned int width, height;
	int attached; /**< to its console; atomic */
} fake;

#endif
