/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file config_value.h
 * What a configuration file may hold, as tables: the reader (config_value.c) goes by them, and so does
 * the JSON Schema (config_schema.c), so that neither knows a key that the other doesn't.
 */
#ifndef TOOLS_CONFIG_VALUE_H
#define TOOLS_CONFIG_VALUE_H

#include "tools/model.h"

enum config_kind {
	CONFIG_TEXT,   /**< char * */
	CONFIG_PATH,   /**< char *; relative to the configuration file, or to HyPike as `hypike:PART` */
	CONFIG_NAME,   /**< char *, a name that something has */
	CONFIG_SIZE,   /**< uint64_t, bytes: 256M */
	CONFIG_TIME,   /**< uint64_t, nanoseconds: 10ms */
	CONFIG_NUMBER, /**< uint64_t */
	CONFIG_BOOL,   /**< int, or the bits `bits` of an uint32_t */
	CONFIG_CHOICE, /**< uint32_t, its bits `bits` */
	CONFIG_FLAGS,  /**< uint32_t: a list of choices, each adds its bits */
	CONFIG_CPUS,   /**< uint64_t: a number or a list of numbers */
	CONFIG_RANGE,  /**< struct model_device of the kind `bits`: 0x3f8-0x3ff, 0xfeb00000+4K, 4 */
	CONFIG_MAP,    /**< a map with known keys */
	CONFIG_NAMED,  /**< a map from names (of `choices`, if there are) to items */
	CONFIG_LIST,   /**< a list of items; one alone needs no list */
};

struct config;
struct config_key;

struct config_choice {
	const char *name;
	uint32_t number;
	const char *help;
};

/** A type of value. */
struct config_value {
	enum config_kind kind;
	uint64_t min, max;   /**< of a number, size, time, address */
	uint64_t step;	     /**< it must be a multiple; 0: need not */
	uint32_t bits;
	const struct config_choice *choices; /**< ends with a NULL name */
	const struct config_key *keys;	     /**< of a map; ends with a NULL name */
	bool scalar_is_first; /**< a map: a scalar in its place is the value of the first key */
	bool one_key;	      /**< a map: exactly one of its keys may be there */
	const struct config_value *item;     /**< of a named map or a list */
	/** Make room for an item. @return where it is to be read to, or NULL after a complaint. */
	void *(*add)(struct config *config, void *target, const struct yaml_node *node);
	/** Called when all of a map is read. */
	void (*done)(struct config *config, void *target, const struct yaml_node *node);
};

/** A key of a map. */
struct config_key {
	const char *name;
	const struct config_value *value;
	size_t offset; /**< of where it goes, in the map's target */
	bool required;
	const char *help;
};

/** A file that is being read. */
struct config {
	struct model *model;
	char *directory; /**< of the file; paths are relative to it */
};

/** The whole file. Its target is a struct model. */
extern const struct config_value config_system;

/** A partition by itself. Its target is a struct model_partition. */
extern const struct config_value config_partition;

/** Read a value to where it belongs; what is wrong is complained about. */
void config_value_read(struct config *config, const struct config_value *value,
		       const struct yaml_node *node, void *target);

/** @return the name of those that comes nearest to a word, or NULL where none comes near. */
const char *config_nearest(const char *word, const char *const *names, size_t count);

#endif
