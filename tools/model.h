/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file model.h
 * The system that a user described, in memory: filled in from options (later from a configuration
 * file), checked, then written as a system image.
 */
#ifndef TOOLS_MODEL_H
#define TOOLS_MODEL_H

#include <hypike/system.h>

#include "tools/util.h"

/** A file of a partition. */
struct model_file {
	char *path; /**< where the user has it */
	char *name; /**< by which the partition's program finds it */
	struct bytes bytes;
};

/** A Multiboot module of a virtual machine. */
struct model_module {
	char *path;
	char *args; /**< what follows the file in the module's string; "" for nothing */
};

/** A partition that runs a virtual machine. */
struct model_partition {
	char name[SYSTEM_NAME_SIZE];
	uint64_t memory; /**< of the machine, in bytes; 0: the default */
	uint32_t vcpus;	 /**< 0: the default, 1 */
	uint32_t flags;	 /**< SYSTEM_PARTITION_INPUT ... */
	uint64_t cpus;	 /**< bit n: may run on CPU n; 0: on all */
	uint32_t priority;
	char *kernel; /**< path; NULL where none was given */
	char *cmdline;
	struct model_module *modules;
	size_t module_count;

	/* From here on filled in by model_load(). */
	char *args;		  /**< command line of the VMM */
	struct model_file *files; /**< the kernel, then the modules */
	size_t file_count;
};

/** The whole system. */
struct model {
	struct model_partition *partitions;
	size_t partition_count;
	struct strings vmm_options; /**< more options for every VMM */
	char *vmm_path;		    /**< the VMM program; NULL: the one built with this command */
	struct model_file vmm;	    /**< filled in by model_load() */
};

#define MODEL_MEMORY_DEFAULT (UINT64_C(64) << 20)
#define MODEL_MEMORY_MIN     (UINT64_C(1) << 20)
#define MODEL_MEMORY_MAX     (UINT64_C(64) << 30)

/** Add a partition with defaults. @return it; valid until the next one is added. */
struct model_partition *model_partition_add(struct model *model);

/**
 * Read all files, check the system and fill in what follows from the description.
 * @return false after every problem found was reported.
 *
 * @req TOOL-002 A kernel or module that is missing or cannot be loaded is refused before anything
 *               is booted, by its name and the reason.
 */
bool model_load(struct model *model);

#endif
