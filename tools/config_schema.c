/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of config_keys.c as JSON Schema. What needs to know more than one value (windows that
 * overlap, names that nobody has) it can't say; that is for `hypike check`.
 */
#include "tools/config.h"

#include "tools/config_value.h"

#define NAME_PATTERN	"^[A-Za-z0-9_-]{1,31}$"
#define SIZE_PATTERN	"^([0-9]+|0[xX][0-9a-fA-F]+)([.][0-9]{1,9})?([KMG]|[KMG]iB)?$"
#define TIME_PATTERN	"^([0-9]+([.][0-9]{1,9})?(ns|us|ms|s)|0)$"
#define NUMBER_PATTERN	"([0-9]+|0[xX][0-9a-fA-F]+)"

struct schema {
	FILE *out;
	unsigned depth;
};

static void put_value(struct schema *schema, const struct config_value *value, const char *help);

static void put_line(struct schema *schema)
{
	fputc('\n', schema->out);
	for (unsigned i = 0; i < schema->depth; i++)
		fputs("  ", schema->out);
}

static void open_object(struct schema *schema)
{
	fputc('{', schema->out);
	schema->depth++;
}

static void close_object(struct schema *schema)
{
	schema->depth--;
	put_line(schema);
	fputc('}', schema->out);
}

/* A number may be written as such or as hexadecimal, which YAML 1.2 knows and JSON doesn't. */
static void put_number(struct schema *schema, const struct config_value *value)
{
	fprintf(schema->out, "\"type\": \"integer\", \"minimum\": %llu",
		(unsigned long long)value->min);
	if (value->max != 0)
		fprintf(schema->out, ", \"maximum\": %llu", (unsigned long long)value->max);
}

static void put_text(struct schema *schema, const struct config_value *value)
{
	(void)value;
	fputs("\"type\": [\"string\", \"number\", \"boolean\"]", schema->out);
}

static void put_name(struct schema *schema, const struct config_value *value)
{
	(void)value;
	fputs("\"type\": [\"string\", \"integer\"]", schema->out);
}

/* Without a unit, YAML makes a number of it. */
static void put_pattern(struct schema *schema, const char *pattern)
{
	fprintf(schema->out, "\"type\": [\"string\", \"integer\"], \"pattern\": \"%s\"", pattern);
}

static void put_size(struct schema *schema, const struct config_value *value)
{
	(void)value;
	put_pattern(schema, SIZE_PATTERN);
}

static void put_time(struct schema *schema, const struct config_value *value)
{
	(void)value;
	put_pattern(schema, TIME_PATTERN);
}

static void put_range(struct schema *schema, const struct config_value *value)
{
	(void)value;
	put_pattern(schema, "^" NUMBER_PATTERN "(-" NUMBER_PATTERN "|[+]" NUMBER_PATTERN
			    "([KMG]|[KMG]iB)?)?$");
}

static void put_bool(struct schema *schema, const struct config_value *value)
{
	(void)value;
	fputs("\"type\": \"boolean\"", schema->out);
}

static void put_choices(struct schema *schema, const struct config_value *value)
{
	fputs("\"enum\": [", schema->out);
	for (const struct config_choice *choice = value->choices; choice->name != NULL; choice++) {
		fputs(choice != value->choices ? ", " : "", schema->out);
		json_print_string(schema->out, choice->name);
	}
	fputc(']', schema->out);
}

static void put_cpus(struct schema *schema, const struct config_value *value)
{
	fputs("\"anyOf\": [{", schema->out);
	put_number(schema, value);
	fputs("}, {\"type\": \"array\", \"items\": {", schema->out);
	put_number(schema, value);
	fputs("}}]", schema->out);
}

static void put_flags(struct schema *schema, const struct config_value *value)
{
	fputs("\"anyOf\": [{", schema->out);
	put_choices(schema, value);
	fputs("}, {\"type\": \"array\", \"items\": {", schema->out);
	put_choices(schema, value);
	fputs("}}]", schema->out);
}

static void put_required(struct schema *schema, const struct config_value *value)
{
	const char *between = "";

	fputs("\"required\": [", schema->out);
	for (const struct config_key *key = value->keys; key->name != NULL; key++) {
		if (!key->required)
			continue;
		fputs(between, schema->out);
		json_print_string(schema->out, key->name);
		between = ", ";
	}
	fputs("],", schema->out);
}

static void put_properties(struct schema *schema, const struct config_value *value)
{
	fputs("\"type\": \"object\", \"additionalProperties\": false, ", schema->out);
	put_required(schema, value);
	if (value->one_key)
		fputs(" \"minProperties\": 1, \"maxProperties\": 1,", schema->out);
	put_line(schema);
	fputs("\"properties\": ", schema->out);
	open_object(schema);
	for (const struct config_key *key = value->keys; key->name != NULL; key++) {
		put_line(schema);
		json_print_string(schema->out, key->name);
		fputs(": ", schema->out);
		put_value(schema, key->value, key->help);
		fputs(key[1].name != NULL ? "," : "", schema->out);
	}
	close_object(schema);
}

static void put_map(struct schema *schema, const struct config_value *value)
{
	if (!value->scalar_is_first) {
		put_properties(schema, value);
		return;
	}
	fputs("\"anyOf\": [", schema->out);
	put_value(schema, value->keys->value, NULL);
	fputs(", ", schema->out);
	open_object(schema);
	put_line(schema);
	put_properties(schema, value);
	close_object(schema);
	fputc(']', schema->out);
}

static void put_named(struct schema *schema, const struct config_value *value)
{
	fputs("\"type\": [\"object\", \"null\"], \"propertyNames\": {", schema->out);
	if (value->choices != NULL)
		put_choices(schema, value);
	else
		fputs("\"pattern\": \"" NAME_PATTERN "\"", schema->out);
	fputs("},", schema->out);
	put_line(schema);
	fputs("\"additionalProperties\": ", schema->out);
	put_value(schema, value->item, NULL);
}

static void put_list(struct schema *schema, const struct config_value *value)
{
	fputs("\"anyOf\": [", schema->out);
	put_value(schema, value->item, NULL);
	fputs(", {\"type\": \"array\", \"items\": ", schema->out);
	put_value(schema, value->item, NULL);
	fputs("}]", schema->out);
}

static void (*const writers[])(struct schema *, const struct config_value *) = {
	[CONFIG_TEXT] = put_text,     [CONFIG_PATH] = put_text,      [CONFIG_NAME] = put_name,
	[CONFIG_SIZE] = put_size,     [CONFIG_TIME] = put_time,      [CONFIG_NUMBER] = put_number,
	[CONFIG_BOOL] = put_bool,     [CONFIG_CHOICE] = put_choices, [CONFIG_FLAGS] = put_flags,
	[CONFIG_CPUS] = put_cpus,     [CONFIG_RANGE] = put_range,    [CONFIG_MAP] = put_map,
	[CONFIG_NAMED] = put_named,   [CONFIG_LIST] = put_list,
};

static void put_value(struct schema *schema, const struct config_value *value, const char *help)
{
	open_object(schema);
	put_line(schema);
	if (help != NULL) {
		fputs("\"description\": ", schema->out);
		json_print_string(schema->out, help);
		fputc(',', schema->out);
		put_line(schema);
	}
	writers[value->kind](schema, value);
	close_object(schema);
}

void config_schema_print(FILE *out)
{
	struct schema schema = {.out = out, .depth = 1};

	fputs("{\n"
	      "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	      "  \"title\": \"HyPike system configuration\",\n"
	      "  \"$comment\": \"SPDX-License-Identifier: BSD-2-Clause. "
	      "Written by `hypike check --schema'.\",\n  ",
	      out);
	put_properties(&schema, &config_system);
	fputs("\n}\n", out);
}
