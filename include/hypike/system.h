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
#define SYSTEM_PARTITION_FLAGS	(SYSTEM_PARTITION_INPUT | SYSTEM_PARTITION_PREFIX)

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
};

_Static_assert(sizeof(struct system_header) == 40, "on-disk format");
_Static_assert(sizeof(struct system_table) == 24, "on-disk format");
_Static_assert(sizeof(struct system_file) == 24, "on-disk format");
_Static_assert(sizeof(struct system_partition) == 96, "on-disk format");

#endif
