/* SPDX-License-Identifier: BSD-2-Clause */
/** @file main.h The VMM as a whole; the platform calls it. */
#ifndef VMM_MAIN_H
#define VMM_MAIN_H

struct vm;

/** Run the VM that `args` describes (options.h). @return the VMM's exit status (status.h). */
int vmm_main(const char *args);
/** @return the VM once it runs, and after its end; before, NULL. From any thread. */
struct vm *vmm_running(void);

#endif
