/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file acpi_pm.h
 * ACPI fixed hardware (ACPI Specification 6.4, 4.8.2 and 4.8.3): PM1a event and control registers, the
 * power management timer, the power button.
 */
#ifndef VMM_DEV_ACPI_PM_H
#define VMM_DEV_ACPI_PM_H

#include "vmm/dev/device.h"
#include "vmm/timer.h"

/** Offsets of the registers from the first port. */
enum acpi_pm_port {
	ACPI_PM1_STATUS = 0,
	ACPI_PM1_ENABLE = 2,
	ACPI_PM1_CONTROL = 4,
	ACPI_PM_TIMER = 8,
	ACPI_PM_PORTS = 12,
};

#define ACPI_PM_BASE 0x600u /**< the first port */
#define ACPI_PM_HZ   3579545u

/** SLP_TYP of S5, "soft off". */
#define ACPI_PM_S5 5u

struct acpi_pm {
	struct device dev;
	struct wire sci;
	struct command off; /**< given when the guest switches itself off */
	struct timer timer; /**< armed while the timer's overflow is to interrupt */
	uint64_t seen;	    /**< counter when TMR_STS was last brought up to date */
	uint16_t status, enable, control;
};

void acpi_pm_init(struct acpi_pm *pm, struct timer_queue *queue);
/** The user presses the power button. */
void acpi_pm_button(struct acpi_pm *pm);
/** The real-time clock interrupts. */
void acpi_pm_rtc(struct acpi_pm *pm);

#endif
