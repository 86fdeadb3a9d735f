/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file yaml.h
 * A YAML file as a tree that knows where each of its nodes stands. The only user of libfyaml.
 */
#ifndef TOOLS_YAML_H
#define TOOLS_YAML_H

#include "tools/complaints.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

/** Levels of nesting that are read. */
#define YAML_DEPTH 16
/** Nodes that are read. */
#define YAML_NODES 65536

struct yaml_node {
	enum yaml_kind kind;
	struct place place; /**< of the value */
	char *text;	    /**< of a scalar, without quotes; else NULL */
	bool quoted;
	char *key; /**< under which it is in a map; else NULL */
	struct place key_place;
	struct yaml_node *parent;
	struct yaml_node *child; /**< the first; those of a list or map are linked by `next` */
	struct yaml_node *last;
	struct yaml_node *next;
};

/**
 * Read complaints->text, the file's bytes. Anchors, aliases, tags, several documents and keys that are
 * no scalars are refused: a configuration needs none of them.
 * @return the root, or NULL after complaints. Where a key is there twice, both nodes are.
 *
 * @req TOOL-112 Whatever bytes a configuration file holds, reading it ends, with a complaint or a tree
 *               that is bounded in depth and size.
 */
struct yaml_node *yaml_read(struct complaints *complaints);
void yaml_free(struct yaml_node *root);

/** @return the value of that key in a map, or NULL. */
const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);

#endif
