/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config.h"

#include <stdlib.h>
#include <string.h>

#include "tools/check.h"
#include "tools/config_value.h"

/* @return the file's directory with its slash, or "". */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? string_copy("")
			     : string_format("%.*s", (int)(slash + 1 - path), path);
}

bool config_read_text(const char *path, struct bytes text, struct model *model)
{
	struct config config = {.model = model, .directory = directory_of(path)};

	model->complaints = memory_new(sizeof(*model->complaints));
	model->complaints->path = string_copy(path);
	model->complaints->text = text;
	model->root = yaml_read(model->complaints);
	if (model->root != NULL)
		config_value_read(&config, &config_system, model->root, model);
	/* What is there is checked, even where something else could not be read. */
	if (model->root != NULL)
		check_system(model);
	free(config.directory);
	return model->complaints->errors == 0;
}

bool config_read_vm(const char *path, struct model *model)
{
	struct config config = {.model = model, .directory = directory_of(path)};
	struct bytes text;

	if (!file_read(path, &text))
		return false;
	model->complaints = memory_new(sizeof(*model->complaints));
	model->complaints->path = string_copy(path);
	model->complaints->text = text;
	model->root = yaml_read(model->complaints);
	if (model->root != NULL && yaml_find(model->root, "partitions") != NULL)
		config_value_read(&config, &config_system, model->root, model);
	else if (model->root != NULL)
		config_value_read(&config, &config_partition, model->root,
				  model_partition_add(model));
	free(config.directory);
	return model->complaints->errors == 0;
}

bool config_read(const char *path, struct model *model)
{
	struct bytes text;

	return file_read(path, &text) && config_read_text(path, text, model);
}

bool config_load(const char *path, struct model *model)
{
	struct bytes text;
	bool ok;

	if (!file_read(path, &text))
		return false;
	ok = config_read_text(path, text, model);
	ok = model_load(model) && ok;
	complaints_print(model->complaints, stderr);
	return ok && model->complaints->errors == 0;
}

bool config_is(const char *path)
{
	static const char *const suffixes[] = {".yaml", ".yml"};
	const size_t length = strlen(path);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (length > strlen(suffixes[i]) &&
		    strcmp(path + length - strlen(suffixes[i]), suffixes[i]) == 0)
			return true;
	return false;
}
