/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file model.h
 * The system that a user described, in memory: filled in from options (options.h) or from a
 * configuration file (config.h), checked (check.h), then written as a system image (image.h).
 *
 * Things that name each other do so by name first; check_system() finds the index. `where` is the
 * node of the configuration file that a thing comes from, for messages; NULL where it comes from
 * options.
 */
#ifndef TOOLS_MODEL_H
#define TOOLS_MODEL_H

#include <hypike/system.h>

#include "tools/complaints.h"
#include "tools/yaml.h"

/** A file of a partition. */
struct model_file {
	char *path; /**< where the user has it */
	char *name; /**< by which the partition's program finds it */
	struct bytes bytes;
};

/** A file that the user named: a Multiboot module, a file of a native program. */
struct model_module {
	const struct yaml_node *where;
	char *path;
	char *args; /**< what follows the file in a module's string; NULL or "" for nothing */
};

/** A disk of a VM: a file. */
struct model_disk {
	const struct yaml_node *where;
	char *path;
	uint32_t mode; /**< enum model_disk_mode */
	char *link;    /**< MODEL_DISK_LINK: what stands before the file's name */
};

/** _LINK: written to by the command (<hypike/link.h>), which `hypike run` alone is there for. */
enum model_disk_mode { MODEL_DISK_READ_ONLY, MODEL_DISK_OVERLAY, MODEL_DISK_LINK };

/** A network card of a VM. Its cable is shared memory, which the other end has, too. */
struct model_network {
	const struct yaml_node *where;
	char *region;
	char *mac; /**< NULL: one is made up */
};

/** Devices of a VM that are there or not. */
#define MODEL_VM_RNG	 UINT32_C(0x1)
#define MODEL_VM_CONSOLE UINT32_C(0x2)

/** A piece of hardware that a partition gets. */
struct model_device {
	const struct yaml_node *where;
	uint32_t kind; /**< enum system_device_kind; 0: none was named */
	uint64_t base, size;
};

/** What the health monitor does at an error. */
struct model_health {
	const struct yaml_node *where;
	uint32_t error, action;
	uint64_t limit;	 /**< RESTART_*: how often; 0: always */
	char *plan_name; /**< SWITCH_PLAN */
	uint32_t plan;
};

struct model_health_table {
	struct model_health *entries;
	size_t count;
};

/** A partition. */
struct model_partition {
	const struct yaml_node *where;
	char name[SYSTEM_NAME_SIZE];
	uint32_t kind;	      /**< enum system_partition_kind */
	uint32_t machine;     /**< of a VM: 0, a PC; there is no other yet */
	uint64_t memory;      /**< in bytes; 0: the default */
	uint64_t kernel_memory; /**< 0: what the kernel finds necessary */
	uint64_t vcpus;	      /**< 0: the default, 1 */
	uint64_t threads;     /**< 0: the default */
	uint32_t flags;	      /**< SYSTEM_PARTITION_INPUT ... */
	uint64_t cpus;	      /**< bit n: may run on CPU n; 0: on all */
	uint64_t priority;
	uint64_t watchdog;    /**< nanoseconds */
	uint64_t period, budget; /**< what each plan has to give it; 0: nothing was said */
	char *kernel; /**< of a VM: path; NULL where none was given */
	char *firmware; /**< of a VM: path of what runs in place of a kernel, or NULL */
	char *cmdline;
	struct model_module *modules; /**< of a native partition: its files */
	size_t module_count;
	struct model_disk *disks;
	size_t disk_count;
	struct model_network *networks;
	size_t network_count;
	uint32_t vm_flags;	    /**< MODEL_VM_RNG ... */
	char *serial_in, *serial_out; /**< queuing ports that are its COM2 */
	struct strings vmm_options; /**< of its VMM, as they are */
	char *program; /**< of a native partition: path */
	char *program_args;
	struct strings ports; /**< names of the ports that its program uses */
	bool ports_named;     /**< and that is all of them */
	struct model_device *devices;
	size_t device_count;
	struct model_health_table health;
	uint32_t restart; /**< enum system_action for the faults without an entry of their own; or 0 */
	uint64_t restart_limit;

	/* From here on filled in by model_load(). */
	char *args;		  /**< argument string of its program */
	uint64_t vmm_memory;	  /**< beside the guest's: overlays of disks, firmware; whole pages */
	struct model_file own_program; /**< of a native partition */
	struct model_file *files; /**< of a VM: kernel or firmware, modules, disks */
	size_t file_count;
};

/** A window, as it stands in the file and, repeated, as it goes into the image. */
struct model_window {
	const struct yaml_node *where;
	char *partition_name;
	uint32_t partition;
	uint32_t cpu;
	uint64_t offset, duration;
	bool has_offset;
	int release; /**< 1: yes, 0: no, -1: not said */
};

#define MODEL_NO_OFFSET UINT64_MAX

/** The windows of one CPU in a plan. */
struct model_lane {
	const struct yaml_node *where;
	uint32_t cpu;
	uint64_t frame; /**< they repeat after that; 0: the plan's */
	struct model_window *windows;
	size_t window_count;
};

struct model_plan {
	const struct yaml_node *where;
	char name[SYSTEM_NAME_SIZE];
	uint64_t frame;
	struct strings without; /**< partitions that this plan leaves out on purpose */
	struct model_lane *lanes;
	size_t lane_count;
	struct model_window *windows; /**< all of them, by CPU and offset; made by check_system() */
	size_t window_count;
};

/** An end of a channel. */
struct model_port {
	const struct yaml_node *where;
	char *address; /**< `partition.port` */
	uint64_t depth, refresh;
	uint32_t partition;
	const char *name; /**< into `address` */
};

struct model_channel {
	const struct yaml_node *where;
	char name[SYSTEM_NAME_SIZE];
	uint32_t kind; /**< enum system_channel_kind */
	uint64_t max_message;
	uint64_t depth, refresh; /**< of destinations that don't say otherwise */
	struct model_port source;
	struct model_port *destinations;
	size_t destination_count;
};

struct model_share {
	const struct yaml_node *where;
	char *partition_name;
	uint32_t partition;
	uint32_t flags; /**< SYSTEM_SHARE_WRITE */
};

struct model_region {
	const struct yaml_node *where;
	char name[SYSTEM_NAME_SIZE];
	uint64_t size;
	struct model_share *shares;
	size_t share_count;
};

/** The whole system. */
struct model {
	char *name;
	uint64_t cpus;	 /**< that the machine has; 0: not said */
	uint64_t memory; /**< that the machine has; 0: not said */
	struct model_partition *partitions;
	size_t partition_count;
	struct model_plan *plans;
	size_t plan_count;
	struct model_channel *channels;
	size_t channel_count;
	struct model_region *regions;
	size_t region_count;
	struct model_health_table health;
	uint64_t trace_records; /**< 0: the kernel's default */
	struct strings vmm_options; /**< more options for every VMM */
	char *vmm_path;		    /**< the VMM program; NULL: the one built with this command */
	struct model_file vmm;	    /**< filled in by model_load() */

	struct complaints *complaints; /**< about the configuration file; NULL: there is none */
	struct yaml_node *root;
};

#define MODEL_MEMORY_DEFAULT	    (UINT64_C(64) << 20)
#define MODEL_NATIVE_MEMORY_DEFAULT (UINT64_C(1) << 20)
#define MODEL_NATIVE_THREADS	    16
#define MODEL_MEMORY_MIN	    (UINT64_C(1) << 20)
#define MODEL_FIRMWARE_MEMORY_MIN   (UINT64_C(2) << 20)
#define MODEL_MEMORY_MAX	    (UINT64_C(64) << 30)
#define MODEL_ARGS_MAX		    8000 /**< what a VMM takes, and a little less */
#define MODEL_DISKS_MAX		    4
#define MODEL_NETWORKS_MAX	    4
#define MODEL_PRIORITY_DEFAULT	    16

/** Add a partition with defaults. @return it; valid until the next one is added. */
struct model_partition *model_partition_add(struct model *model);

/**
 * Report a problem: with its place in the configuration file where the thing comes from one, else as
 * report() does.
 * @param where the thing's node; NULL: none.
 * @param key   of the value in it that is wrong; NULL: the thing itself.
 * @return false
 */
bool model_error(const struct model *model, const struct yaml_node *where, const char *key,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));
/** The same for what may well be meant so. Says nothing where there is no configuration file. */
void model_warning(const struct model *model, const struct yaml_node *where, const char *key,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));

/**
 * Read all files, check them and fill in what follows from the description.
 * @return false after every problem found was reported.
 *
 * @req TOOL-002 A kernel or module that is missing or cannot be loaded is refused before anything
 *               is booted, by its name and the reason.
 */
bool model_load(struct model *model);

/** Give back everything that the model owns. */
void model_free(struct model *model);

#endif
