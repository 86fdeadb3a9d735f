/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/irq.h"

#include <stddef.h>

#include "guests/dummy/trap.h"

static const struct irq_controller *controller;

static struct {
	irq_fn fn;
	void *ctx;
} lines[IRQ_LINES];

static bool dispatch(struct trap_frame *f, void *ctx)
{
	unsigned irq = (unsigned)f->vector - IRQ_VECTOR_BASE;

	(void)ctx;
	if (!controller->is_real(irq))
		return true;
	if (lines[irq].fn != NULL)
		lines[irq].fn(lines[irq].ctx);
	controller->end(irq);
	return true;
}

void irq_init(const struct irq_controller *c)
{
	controller = c;
	for (unsigned irq = 0; irq < IRQ_LINES; irq++)
		trap_register(IRQ_VECTOR_BASE + irq, dispatch, NULL);
}

const struct irq_controller *irq_controller(void)
{
	return controller;
}

void irq_register(unsigned irq, irq_fn fn, void *ctx)
{
	controller->disable(irq);
	lines[irq].ctx = ctx;
	lines[irq].fn = fn;
	if (fn != NULL)
		controller->enable(irq);
}
