/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file system.h
 * The system image: the configuration of one HyPike machine in binary form, with every file that
 * its partitions use. The `hypike` command writes it; the kernel gets it as its only module,
 * checks it with system_image_open() (lib/system_image.h) before it believes a byte of it, and
 * from then on reads it in place.
 *
 * Layout, all numbers little-endian:
 *
 *     0                       struct system_header
 *     sizeof(system_header)   struct system_table[table_count], the directory
 *     ...                     the tables, each at a multiple of 8, in any order, not overlapping
 *     meta_size               end of what system_header.checksum covers
 *     page-aligned            the bytes of each file, zero-padded to a whole page
 *     total_size              a multiple of the page size
 *
 * A file starts on a page and owns its last page alone, so the kernel maps files into partitions
 * where they lie. Two entries of the file table may name the same bytes, but never parts of them.
 *
 * The format grows by table types. A type that the reader does not know is refused, as is an
 * entry size other than its own, a flag it does not know and a reserved field that is not zero:
 * an image that asks for something never runs without it.
 *
 * A VMM partition's argument string is the command line of its VMM:
 * `--memory 64M --kernel NAME --cmdline "..." --module "NAME args" ...`, where NAME is a file of
 * that partition.
 */
#ifndef HYPIKE_SYSTEM_H
#define HYPIKE_SYSTEM_H

#include <stdint.h>

#define SYSTEM_MAGIC	     "HyPikeSy" /**< the first eight bytes, without the NUL */
#define SYSTEM_MAGIC_SIZE    8u
#define SYSTEM_VERSION	     1u
#define SYSTEM_PAGE	     4096u
#define SYSTEM_NAME_SIZE     32u /**< a partition's name with its NUL */
#define SYSTEM_MAX_PARTITION 64u
#define SYSTEM_MAX_FILE	     512u
#define SYSTEM_MAX_CPU	     64u
#define SYSTEM_MAX_THREAD    32u  /**< threads of one partition, its vCPUs included */
#define SYSTEM_MAX_STRINGS   (UINT32_C(1) << 20) /**< bytes in the string table */
#define SYSTEM_MAX_PRIORITY  63u /**< the most urgent; 0 is the least */
#define SYSTEM_MAX_PLAN	     16u
#define SYSTEM_MAX_WINDOW    4096u
#define SYSTEM_MAX_CHANNEL   256u
#define SYSTEM_MAX_PORT	     512u
#define SYSTEM_MAX_REGION    64u
#define SYSTEM_MAX_SHARE     256u
#define SYSTEM_MAX_DEVICE    256u
#define SYSTEM_MAX_HEALTH    1024u
#define SYSTEM_MAX_MESSAGE   8192u  /**< bytes of a message */
#define SYSTEM_MAX_DEPTH     1024u  /**< messages in a queue */
#define SYSTEM_NONE	     UINT32_MAX /**< where an index may be absent */
#define SYSTEM_MIN_WINDOW    UINT64_C(10000)	       /**< nanoseconds */
#define SYSTEM_MAX_FRAME     UINT64_C(3600000000000) /**< nanoseconds: an hour */

/** At offset 0. */
struct system_header {
	uint8_t magic[SYSTEM_MAGIC_SIZE];
	uint32_t checksum;    /**< CRC-32C of the bytes from `version` up to `meta_size` */
	uint32_t version;     /**< SYSTEM_VERSION */
	uint64_t total_size;  /**< of the image, in bytes; a multiple of SYSTEM_PAGE */
	uint64_t meta_size;   /**< header, directory and tables together, in bytes */
	uint32_t table_count; /**< entries of the directory */
	uint32_t reserved;    /**< 0 */
};

/** What a table holds. No type appears twice; the first three must be there. */
enum system_table_type {
	SYSTEM_TABLE_STRINGS = 1,    /**< bytes; every string ends with NUL, the first is "" */
	SYSTEM_TABLE_FILES = 2,	     /**< struct system_file */
	SYSTEM_TABLE_PARTITIONS = 3, /**< struct system_partition, at least one */
	SYSTEM_TABLE_PLANS = 4,	     /**< struct system_plan; the first is the one at boot */
	SYSTEM_TABLE_WINDOWS = 5,    /**< struct system_window, by plan, CPU and offset */
	SYSTEM_TABLE_CHANNELS = 6,   /**< struct system_channel */
	SYSTEM_TABLE_PORTS = 7,	     /**< struct system_port */
	SYSTEM_TABLE_REGIONS = 8,    /**< struct system_region: shared memory */
	SYSTEM_TABLE_SHARES = 9,     /**< struct system_share: who sees a region */
	SYSTEM_TABLE_DEVICES = 10,   /**< struct system_device */
	SYSTEM_TABLE_HEALTH = 11,    /**< struct system_health */
	SYSTEM_TABLE_TRACE = 12,     /**< struct system_trace, one */
};

/** One entry of the directory. */
struct system_table {
	uint32_t type;	     /**< enum system_table_type */
	uint32_t entry_size; /**< in bytes; exactly that of the type's structure */
	uint64_t offset;     /**< of the first entry from the start of the image; multiple of 8 */
	uint32_t count;	     /**< number of entries */
	uint32_t reserved;   /**< 0 */
};

/** A file: an ELF program, a guest kernel, a module. */
struct system_file {
	uint32_t name;	   /**< offset in the string table; not empty */
	uint32_t checksum; /**< CRC-32C of the bytes */
	uint64_t offset;   /**< of the bytes from the start of the image; a multiple of SYSTEM_PAGE */
	uint64_t size;	   /**< in bytes, without padding; may be 0 */
};

enum system_partition_kind {
	SYSTEM_PARTITION_VMM = 1,    /**< its program is a VMM and may create one VM */
	SYSTEM_PARTITION_NATIVE = 2, /**< its program is all there is */
};

/** The partition gets the keys typed at its console from the start. At most one a console. */
#define SYSTEM_PARTITION_INPUT UINT32_C(0x1)
/** The partition's name is put before each line that it prints. */
#define SYSTEM_PARTITION_PREFIX UINT32_C(0x2)
/** It runs in time that no window has, and in what the window's partition leaves. */
#define SYSTEM_PARTITION_BACKGROUND UINT32_C(0x4)
/** It may end the machine. */
#define SYSTEM_PARTITION_MAY_SHUTDOWN UINT32_C(0x8)
/** It may choose the plan. */
#define SYSTEM_PARTITION_MAY_PLAN UINT32_C(0x10)
/** It may stop and restart other partitions, read their state, the health log and the trace. */
#define SYSTEM_PARTITION_MAY_CONTROL UINT32_C(0x20)
/** It isn't started at boot, but by a partition that may control it, or the health monitor. */
#define SYSTEM_PARTITION_DORMANT UINT32_C(0x40)
/** The machine goes on when this one has ended, and ends when only such are left. */
#define SYSTEM_PARTITION_SERVICE UINT32_C(0x80)
/** Virtual time of its VM stands still outside its windows (else: stolen time is visible). Its program's
 *  hypike_time(), by which the VM's devices go, does likewise. */
#define SYSTEM_PARTITION_HIDE_STOLEN UINT32_C(0x100)
/** It may talk with the command that has booted the machine (HYPIKE_CHANNEL_LINK). */
#define SYSTEM_PARTITION_LINK UINT32_C(0x200)
/** What is flushed when a window of another partition begins after this one has run. */
#define SYSTEM_PARTITION_FLUSH_CACHE  UINT32_C(0x1000) /**< WBINVD; L1D where the CPU can */
#define SYSTEM_PARTITION_FLUSH_BRANCH UINT32_C(0x2000) /**< IBPB */
#define SYSTEM_PARTITION_FLUSH_TLB    UINT32_C(0x4000)
#define SYSTEM_PARTITION_FLAGS	      UINT32_C(0x73ff)

/** A partition. */
struct system_partition {
	char name[SYSTEM_NAME_SIZE]; /**< letters, digits, "_-."; NUL-padded; unique */
	uint64_t ram_size;	     /**< RAM that belongs to the partition, besides its program: a
					  VMM makes its guest's memory of it. Multiple of
					  SYSTEM_PAGE */
	uint64_t kernel_size; /**< RAM for what the kernel keeps for the partition (page tables,
				   stacks, vCPUs); multiple of SYSTEM_PAGE; 0: the kernel's default */
	uint64_t cpus;	      /**< bit n: threads may run on CPU n; not 0 */
	uint32_t kind;	      /**< enum system_partition_kind */
	uint32_t flags;	      /**< SYSTEM_PARTITION_INPUT ... */
	uint32_t program;     /**< index in the file table: the ELF to run in ring 3 */
	uint32_t args;	      /**< offset in the string table: the program's argument string */
	uint32_t first_file;  /**< its files, in the file table, which its program can see by name */
	uint32_t file_count;  /**< how many; names are unique among them */
	uint32_t thread_limit; /**< threads it may have, the first included; 1..SYSTEM_MAX_THREAD */
	uint32_t vcpu_limit;   /**< vCPUs it may create, counted as threads too; 0 unless a VMM */
	uint32_t priority;     /**< of its first thread, and the highest that it may give */
	uint32_t console;      /**< console number; 0 is the machine's serial line */
	uint64_t watchdog;     /**< nanoseconds of its own time without a sign of life that make a
				    hang (sys.h: hypike_alive()); 0: never */
	uint64_t reserved;     /**< 0 */
};

/* ---------------------------------------------------------------------------------------- time */

/** A plan: a major frame for all CPUs, repeated without drift from an absolute start. */
struct system_plan {
	char name[SYSTEM_NAME_SIZE]; /**< as a partition's; unique */
	uint64_t frame;		     /**< length of the major frame, in nanoseconds */
	uint32_t first_window;	     /**< its windows, in the window table */
	uint32_t window_count;
};

/** In its window a partition's threads have the CPU. Periodic processes of the partition start here. */
#define SYSTEM_WINDOW_RELEASE UINT32_C(0x1)
#define SYSTEM_WINDOW_FLAGS   SYSTEM_WINDOW_RELEASE

/** A window of one CPU. Those of a plan are ordered by CPU, then offset, and don't overlap. */
struct system_window {
	uint64_t offset;   /**< from the frame's start, in nanoseconds */
	uint64_t duration; /**< in nanoseconds, at least SYSTEM_MIN_WINDOW */
	uint32_t cpu;
	uint32_t partition;
	uint32_t flags;
	uint32_t reserved; /**< 0 */
};

/* ------------------------------------------------------------------------------- communication */

enum system_channel_kind { SYSTEM_CHANNEL_SAMPLING = 1, SYSTEM_CHANNEL_QUEUING = 2 };

/** A channel: one source port and any number of destinations. */
struct system_channel {
	char name[SYSTEM_NAME_SIZE];
	uint32_t kind;	      /**< enum system_channel_kind */
	uint32_t max_message; /**< bytes, 1..SYSTEM_MAX_MESSAGE */
};

enum system_port_direction { SYSTEM_PORT_SOURCE = 1, SYSTEM_PORT_DESTINATION = 2 };

/** A port of a partition; its name is unique in the partition. */
struct system_port {
	char name[SYSTEM_NAME_SIZE];
	uint32_t partition;
	uint32_t channel;
	uint32_t direction; /**< enum system_port_direction */
	uint32_t depth;	    /**< queuing destination: messages that it holds, 1..SYSTEM_MAX_DEPTH; else 0 */
	uint64_t refresh;   /**< sampling destination: nanoseconds that a message stays valid; else 0 */
};

/** Memory that several partitions see. */
struct system_region {
	char name[SYSTEM_NAME_SIZE];
	uint64_t size; /**< multiple of SYSTEM_PAGE */
};

#define SYSTEM_SHARE_WRITE UINT32_C(0x1)
#define SYSTEM_SHARE_FLAGS SYSTEM_SHARE_WRITE

/** A region in a partition. Whoever has one may notify the others that do. */
struct system_share {
	uint32_t region;
	uint32_t partition;
	uint32_t flags;
	uint32_t reserved; /**< 0 */
};

/* ------------------------------------------------------------------------------------- devices */

enum system_device_kind {
	SYSTEM_DEVICE_PORTS = 1,  /**< x86 I/O ports base .. base + size - 1 */
	SYSTEM_DEVICE_MEMORY = 2, /**< device memory; base and size multiples of SYSTEM_PAGE */
	SYSTEM_DEVICE_IRQ = 3,	  /**< global system interrupt `base`; size 1 */
};

/** A piece of hardware that belongs to one partition. */
struct system_device {
	uint32_t partition;
	uint32_t kind; /**< enum system_device_kind */
	uint64_t base;
	uint64_t size;
};

/* ------------------------------------------------------------------------------ health monitor */

/** What can go wrong (ARINC 653 part 1, 2.4.2.1, and what a hypervisor adds). */
enum system_error {
	SYSTEM_ERROR_DEADLINE_MISSED = 1, /**< a process missed its deadline */
	SYSTEM_ERROR_APPLICATION,	  /**< raised by a process */
	SYSTEM_ERROR_NUMERIC,		  /**< division, floating point, overflow */
	SYSTEM_ERROR_ILLEGAL_REQUEST,	  /**< a system call that is not allowed */
	SYSTEM_ERROR_STACK_OVERFLOW,
	SYSTEM_ERROR_MEMORY_VIOLATION,
	SYSTEM_ERROR_HARDWARE_FAULT, /**< machine check */
	SYSTEM_ERROR_POWER_FAIL,
	SYSTEM_ERROR_INSTRUCTION,   /**< invalid or privileged instruction, other exceptions */
	SYSTEM_ERROR_GUEST_FAULT,   /**< triple fault or failed entry of a VM */
	SYSTEM_ERROR_VMM_FAULT,	    /**< a VMM's program faulted or ended with an error status */
	SYSTEM_ERROR_HANG,	    /**< no sign of life within the partition's watchdog time */
	SYSTEM_ERROR_PARTITION_INIT,/**< a partition couldn't be started */
	SYSTEM_ERROR_WINDOW_LATE,   /**< a window began later than its bound */
	SYSTEM_ERROR_PORT_OVERFLOW, /**< a queuing port lost a message */
	SYSTEM_ERROR_NMI,	    /**< without a source that is known */
	SYSTEM_ERROR_EXIT,	    /**< the partition's program ended by itself */
	SYSTEM_ERROR_COUNT,
};

enum system_action {
	SYSTEM_ACTION_IGNORE = 1,
	SYSTEM_ACTION_LOG,
	SYSTEM_ACTION_NOTIFY,	    /**< log, and give it to the partition's error handler process */
	SYSTEM_ACTION_RESTART_WARM, /**< of the partition; RAM keeps its contents */
	SYSTEM_ACTION_RESTART_COLD, /**< RAM is scrubbed */
	SYSTEM_ACTION_STOP,	    /**< the partition, for good */
	SYSTEM_ACTION_SWITCH_PLAN,  /**< to plan `argument`, at the frame's end */
	SYSTEM_ACTION_HALT_MODULE,
	SYSTEM_ACTION_RESTART_MODULE,
	SYSTEM_ACTION_COUNT,
};

/**
 * What happens at an error: the partition's entry, else the module's (partition SYSTEM_NONE), else the
 * kernel's default: STOP for what happens in a partition, LOG for the others.
 */
struct system_health {
	uint32_t partition; /**< or SYSTEM_NONE: the module's table */
	uint32_t error;	    /**< enum system_error */
	uint32_t action;    /**< enum system_action */
	uint32_t argument;  /**< SWITCH_PLAN: the plan; RESTART_*: how often before STOP, 0: always; else 0 */
};

/* --------------------------------------------------------------------------------------- trace */

struct system_trace {
	uint32_t records; /**< of each CPU's ring: a power of two, 256..1 Mi */
	uint32_t flags;	  /**< 0 */
};

/* ------------------------------------------------------------------------- one file for it all */

#define SYSTEM_ATTACHMENT_MAGIC	     "HyPikeSystemIs@:"
#define SYSTEM_ATTACHMENT_MAGIC_SIZE 16u

/**
 * In the first 8 KiB of the kernel's file, at a multiple of 8: where a system image that was put into
 * that file (`hypike build`) lies in memory. Without one both are 0, and it is the Multiboot module.
 */
struct system_attachment {
	char magic[SYSTEM_ATTACHMENT_MAGIC_SIZE];
	uint64_t start; /**< physical address; a multiple of SYSTEM_PAGE */
	uint64_t size;
};

_Static_assert(sizeof(struct system_attachment) == 32, "on-disk format");
_Static_assert(sizeof(struct system_header) == 40, "on-disk format");
_Static_assert(sizeof(struct system_table) == 24, "on-disk format");
_Static_assert(sizeof(struct system_file) == 24, "on-disk format");
_Static_assert(sizeof(struct system_partition) == 112, "on-disk format");
_Static_assert(sizeof(struct system_plan) == 48, "on-disk format");
_Static_assert(sizeof(struct system_window) == 32, "on-disk format");
_Static_assert(sizeof(struct system_channel) == 40, "on-disk format");
_Static_assert(sizeof(struct system_port) == 56, "on-disk format");
_Static_assert(sizeof(struct system_region) == 40, "on-disk format");
_Static_assert(sizeof(struct system_share) == 16, "on-disk format");
_Static_assert(sizeof(struct system_device) == 24, "on-disk format");
_Static_assert(sizeof(struct system_health) == 16, "on-disk format");
_Static_assert(sizeof(struct system_trace) == 8, "on-disk format");

#endif
