/* SPDX-License-Identifier: BSD-2-Clause */
/** @file power.h ACPI's power button, and switching the machine off. */
#ifndef GUESTS_DUMMY_POWER_H
#define GUESTS_DUMMY_POWER_H

/** Waits for the power button's interrupt, then switches the machine off (ACPI 6.4, S5). Returns where it can't. */
void power_wait_button(void);

#endif
