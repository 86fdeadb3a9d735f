/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file status.h
 * With what status a VMM ends. 0 to 127 are the guest's own, written to the debug-exit port; larger
 * values that it writes become 127. The rest says why the VM could not go on.
 */
#ifndef VMM_STATUS_H
#define VMM_STATUS_H

enum vmm_status {
	VMM_STATUS_GUEST_MAX = 127,
	VMM_STATUS_OPTIONS = 200, /**< the command line makes no sense */
	VMM_STATUS_MEMORY,	  /**< too little memory for the VM */
	VMM_STATUS_LOAD,	  /**< a file is missing, malformed or doesn't fit */
	VMM_STATUS_HYPERVISOR,	  /**< the hypervisor refused a call, or the CPU the guest's state */
	VMM_STATUS_TRIPLE_FAULT,
	VMM_STATUS_HALTED,   /**< all vCPUs halted with interrupts off */
	VMM_STATUS_RESET,    /**< the guest reset the machine */
	VMM_STATUS_TIMEOUT,  /**< --timeout-ms */
	VMM_STATUS_QUIT,     /**< by the escape key sequence */
	VMM_STATUS_EMULATION, /**< the guest did something that is not emulated */
	VMM_STATUS_PANIC,     /**< its kernel has panicked, and said so (pvpanic) */
};

#endif
