/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file config.h
 * The configuration file of a system (docs/configuration.md): YAML, read into a model.
 */
#ifndef TOOLS_CONFIG_H
#define TOOLS_CONFIG_H

#include "tools/model.h"

/**
 * Read a file and check what can be known without the files that it names. Complaints are collected in
 * model->complaints.
 * @param path  of the file; `-` is no path but a file's name.
 * @param model empty; afterwards the caller's to model_free(), whatever is returned.
 * @return false where there are errors.
 *
 * @req TOOL-110 A configuration file that is no well-formed system is refused: unknown keys and words
 *               with the nearest known one, values out of range, names used twice, windows that overlap
 *               or don't fit their frame, plans that miss a period, channels to nowhere.
 */
bool config_read(const char *path, struct model *model);

/**
 * config_read(), and read and check all files that it names; then print every complaint to stderr.
 * Afterwards image_make() can write the system.
 * @return false where there are errors.
 */
bool config_load(const char *path, struct model *model);

/**
 * Read a file that has a partition's keys, or a system's.
 * @return false where there are errors, or (after report()) no file; model->complaints has them.
 */
bool config_read_vm(const char *path, struct model *model);

/** The same with the bytes at hand, for tests. @param text the model's from now on. */
bool config_read_text(const char *path, struct bytes text, struct model *model);

/**
 * Print the JSON Schema of configuration files (draft 2020-12).
 *
 * @req TOOL-114 A JSON Schema of configuration files is published, made of the same tables that the
 *               reader goes by.
 */
void config_schema_print(FILE *out);

/** @return whether a file looks like a configuration and not like an image. */
bool config_is(const char *path);

#endif
