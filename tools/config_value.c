/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool wrong(const struct config *config, const struct yaml_node *node, const char *expected)
{
	if (node->kind == YAML_SCALAR && node->text[0] == '\0' && !node->quoted)
		return model_error(config->model, node, NULL, "the value is missing: expected %s",
				   expected);
	return model_error(config->model, node, NULL, "expected %s", expected);
}

static bool is_scalar(const struct config *config, const struct yaml_node *node,
		      const char *expected)
{
	return (node->kind == YAML_SCALAR && (node->text[0] != '\0' || node->quoted)) ||
	       wrong(config, node, expected);
}

/* ---- the nearest name ---- */

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	const unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

#define WORD_MAX 40

/* Levenshtein's distance, with two rows. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[WORD_MAX + 1];
	const size_t size = strlen(b);

	if (strlen(a) > WORD_MAX || size > WORD_MAX)
		return WORD_MAX;
	for (unsigned j = 0; j <= size; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1] != '\0'; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= size; j++) {
			const unsigned above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1,
				       diagonal + (tolower((unsigned char)a[i - 1]) !=
						   tolower((unsigned char)b[j - 1])));
			diagonal = above;
		}
	}
	return row[size];
}

const char *config_nearest(const char *word, const char *const *names, size_t count)
{
	unsigned best = (unsigned)strlen(word) / 3 + 2;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		const unsigned away = distance(word, names[i]);

		if (away < best && away < strlen(names[i])) {
			best = away;
			nearest = names[i];
		}
	}
	return nearest;
}

static char *list_of(const char *const *names, size_t count)
{
	char *list = string_copy("");

	for (size_t i = 0; i < count; i++) {
		char *longer = string_format("%s%s%s", list, i ? ", " : "", names[i]);

		free(list);
		list = longer;
	}
	return list;
}

static void unknown(const struct config *config, struct place place, const char *what,
		    const char *word, const char *const *names, size_t count)
{
	const char *nearest = config_nearest(word, names, count);
	char *list = list_of(names, count);

	if (nearest != NULL)
		complain(config->model->complaints, COMPLAINT_ERROR, place,
			 "unknown %s `%s': did you mean `%s'?", what, word, nearest);
	else
		complain(config->model->complaints, COMPLAINT_ERROR, place,
			 "unknown %s `%s': there are %s", what, word, list);
	free(list);
}

/* ---- numbers ---- */

static bool digits(const char **text, unsigned base, uint64_t *number)
{
	const char *at = *text;

	*number = 0;
	for (; isxdigit((unsigned char)*at); at++) {
		const unsigned digit = (unsigned)(isdigit((unsigned char)*at)
							  ? *at - '0'
							  : tolower((unsigned char)*at) - 'a' + 10);

		if (digit >= base)
			break;
		if (__builtin_mul_overflow(*number, base, number) ||
		    __builtin_add_overflow(*number, digit, number))
			return false;
	}
	if (at == *text)
		return false;
	*text = at;
	return true;
}

static bool whole_number(const char **text, uint64_t *number)
{
	if ((*text)[0] == '0' && ((*text)[1] == 'x' || (*text)[1] == 'X')) {
		*text += 2;
		return digits(text, 16, number);
	}
	return digits(text, 10, number);
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{"", 1},
	{"K", UINT64_C(1) << 10},
	{"M", UINT64_C(1) << 20},
	{"G", UINT64_C(1) << 30},
	{"KiB", UINT64_C(1) << 10},
	{"MiB", UINT64_C(1) << 20},
	{"GiB", UINT64_C(1) << 30},
	{NULL, 0},
};

static const struct unit time_units[] = {
	{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {NULL, 0},
};

static uint64_t factor_of(const char *text, const struct unit *units)
{
	for (; units->name != NULL; units++)
		if (strcmp(text, units->name) == 0)
			return units->factor;
	return 0;
}

/* `.25` of a unit: what of it isn't whole is refused. */
static bool fraction(const char **text, uint64_t *numerator, uint64_t *denominator)
{
	const char *start = *text + 1;

	*denominator = 1;
	*numerator = 0;
	if (**text != '.')
		return true;
	*text = start;
	if (!digits(text, 10, numerator) || *text - start > 9)
		return false;
	for (; start < *text; start++)
		*denominator *= 10;
	return true;
}

static bool with_unit(const char *text, const struct unit *units, uint64_t *number)
{
	uint64_t numerator, denominator, factor;

	if (!whole_number(&text, number) || !fraction(&text, &numerator, &denominator))
		return false;
	factor = factor_of(text, units);
	/* Nothing needs no unit. */
	if (factor == 0 && *text == '\0' && *number == 0 && numerator == 0)
		return true;
	if (factor == 0 || numerator * factor % denominator != 0 ||
	    __builtin_mul_overflow(*number, factor, number))
		return false;
	/* At most 9 digits, of a factor of at most 2^30: the product fits. */
	return !__builtin_add_overflow(*number, numerator * factor / denominator, number);
}

static const char *size_text(uint64_t size, char text[32])
{
	static const char *const names[] = {"", "K", "M", "G"};
	unsigned unit = 0;

	while (size != 0 && size % 1024 == 0 && unit < 3) {
		size /= 1024;
		unit++;
	}
	snprintf(text, 32, "%llu%s", (unsigned long long)size, names[unit]);
	return text;
}

static const char *time_text(uint64_t time, char text[32])
{
	static const char *const names[] = {"ns", "us", "ms", "s"};
	unsigned unit = 0;

	while (time != 0 && time % 1000 == 0 && unit < 3) {
		time /= 1000;
		unit++;
	}
	snprintf(text, 32, "%llu%s", (unsigned long long)time, names[unit]);
	return text;
}

static const char *number_text(uint64_t number, char text[32])
{
	snprintf(text, 32, "%llu", (unsigned long long)number);
	return text;
}

/* Bounds, by the kind's way of writing numbers. */
static bool in_bounds(const struct config *config, const struct config_value *value,
		      const struct yaml_node *node, uint64_t number,
		      const char *(*write)(uint64_t, char[32]))
{
	char min[32], max[32];

	if (number < value->min || (value->max != 0 && number > value->max))
		return model_error(config->model, node, NULL, "%s is not between %s and %s",
				   node->text, write(value->min, min),
				   value->max != 0 ? write(value->max, max) : "infinity");
	if (value->step != 0 && number % value->step != 0)
		return model_error(config->model, node, NULL, "%s is no multiple of %s", node->text,
				   write(value->step, min));
	return true;
}

static void read_size(struct config *config, const struct config_value *value,
		      const struct yaml_node *node, void *target)
{
	static const char expected[] = "a size such as 4K, 256M or 1G";
	uint64_t number;

	if (!is_scalar(config, node, expected))
		return;
	if (!with_unit(node->text, size_units, &number))
		wrong(config, node, expected);
	else if (in_bounds(config, value, node, number, size_text))
		*(uint64_t *)target = number;
}

static void read_time(struct config *config, const struct config_value *value,
		      const struct yaml_node *node, void *target)
{
	static const char expected[] = "a time such as 10ms, 2.5ms, 40us, 500ns or 1s";
	uint64_t number;

	if (!is_scalar(config, node, expected))
		return;
	if (!with_unit(node->text, time_units, &number))
		wrong(config, node, expected);
	else if (in_bounds(config, value, node, number, time_text))
		*(uint64_t *)target = number;
}

static bool number_of(const struct yaml_node *node, uint64_t *number)
{
	const char *text = node->text;

	return whole_number(&text, number) && *text == '\0';
}

static void read_number(struct config *config, const struct config_value *value,
			const struct yaml_node *node, void *target)
{
	uint64_t number;

	if (!is_scalar(config, node, "a number"))
		return;
	if (!number_of(node, &number))
		wrong(config, node, "a number");
	else if (in_bounds(config, value, node, number, number_text))
		*(uint64_t *)target = number;
}

static void read_cpus(struct config *config, const struct config_value *value,
		      const struct yaml_node *node, void *target)
{
	uint64_t number = 0;

	if (node->kind == YAML_LIST) {
		for (const struct yaml_node *item = node->child; item != NULL; item = item->next)
			read_cpus(config, value, item, target);
		return;
	}
	if (!is_scalar(config, node, "the number of a CPU, or a list of them"))
		return;
	if (!number_of(node, &number))
		wrong(config, node, "the number of a CPU, or a list of them");
	else if (in_bounds(config, value, node, number, number_text))
		*(uint64_t *)target |= UINT64_C(1) << number;
}

/* `first-last`, `first+size`, or a number alone. */
static bool range_of(const char *text, uint64_t *base, uint64_t *size)
{
	uint64_t last;

	*size = 1;
	if (!whole_number(&text, base))
		return false;
	if (*text == '+')
		return with_unit(text + 1, size_units, size) && *size != 0;
	if (*text == '\0')
		return true;
	if (*text++ != '-' || !whole_number(&text, &last) || *text != '\0' || last < *base ||
	    last - *base == UINT64_MAX)
		return false;
	*size = last - *base + 1;
	return true;
}

static void read_range(struct config *config, const struct config_value *value,
		       const struct yaml_node *node, void *target)
{
	static const char expected[] = "a number, or a range such as 0x3f8-0x3ff or 0xfeb00000+4K";
	struct model_device *device = target;
	uint64_t base, size;

	if (!is_scalar(config, node, expected))
		return;
	if (!range_of(node->text, &base, &size))
		wrong(config, node, expected);
	else if (base > value->max || size - 1 > value->max - base)
		model_error(config->model, node, NULL, "%s goes beyond 0x%llx", node->text,
			    (unsigned long long)value->max);
	else if (value->step != 0 && (base % value->step != 0 || size % value->step != 0))
		model_error(config->model, node, NULL,
			    "%s is not whole pages of 4K, with a start that is a multiple of 4K",
			    node->text);
	else
		*device = (struct model_device){device->where, value->bits, base, size};
}

/* ---- words ---- */

static void read_text(struct config *config, const struct config_value *value,
		      const struct yaml_node *node, void *target)
{
	char **text = target;

	(void)value;
	if (!is_scalar(config, node, "a text"))
		return;
	free(*text);
	*text = string_copy(node->text);
}

static void read_path(struct config *config, const struct config_value *value,
		      const struct yaml_node *node, void *target)
{
	static const char part[] = "hypike:";
	char **path = target;

	(void)value;
	if (!is_scalar(config, node, "the path of a file"))
		return;
	free(*path);
	if (strncmp(node->text, part, strlen(part)) == 0)
		*path = path_of_part(node->text + strlen(part));
	else if (node->text[0] == '/')
		*path = string_copy(node->text);
	else
		*path = string_format("%s%s", config->directory, node->text);
}

static size_t choice_names(const struct config_choice *choices, const char *names[])
{
	size_t count = 0;

	for (; choices[count].name != NULL; count++)
		names[count] = choices[count].name;
	return count;
}

#define NAMES_MAX 64

static const struct config_choice *choice_find(const struct config *config,
					       const struct config_value *value,
					       struct place place, const char *what,
					       const char *word)
{
	const char *names[NAMES_MAX];

	for (const struct config_choice *choice = value->choices; choice->name != NULL; choice++)
		if (strcmp(choice->name, word) == 0)
			return choice;
	unknown(config, place, what, word, names, choice_names(value->choices, names));
	return NULL;
}

static void read_choice(struct config *config, const struct config_value *value,
			const struct yaml_node *node, void *target)
{
	const struct config_choice *choice;
	uint32_t *number = target;
	const uint32_t bits = value->bits ? value->bits : UINT32_MAX;

	if (!is_scalar(config, node, "a word"))
		return;
	choice = choice_find(config, value, node->place, "word", node->text);
	if (choice != NULL)
		*number = (*number & ~bits) | choice->number;
}

static void read_flags(struct config *config, const struct config_value *value,
		       const struct yaml_node *node, void *target)
{
	const struct config_choice *choice;

	if (node->kind == YAML_LIST) {
		for (const struct yaml_node *item = node->child; item != NULL; item = item->next)
			read_flags(config, value, item, target);
		return;
	}
	if (!is_scalar(config, node, "a word, or a list of words"))
		return;
	choice = choice_find(config, value, node->place, "word", node->text);
	if (choice != NULL)
		*(uint32_t *)target |= choice->number;
}

static void read_bool(struct config *config, const struct config_value *value,
		      const struct yaml_node *node, void *target)
{
	bool yes;

	if (!is_scalar(config, node, "true or false"))
		return;
	yes = strcmp(node->text, "true") == 0;
	if (!yes && strcmp(node->text, "false") != 0)
		wrong(config, node, "true or false");
	else if (value->bits == 0)
		*(int *)target = yes;
	else
		*(uint32_t *)target = (*(uint32_t *)target & ~value->bits) | (yes ? value->bits : 0);
}

/* ---- maps and lists ---- */

static const struct config_key *key_find(const struct config_key *keys, const char *name)
{
	for (; keys->name != NULL; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

static void unknown_key(struct config *config, const struct config_value *value,
			const struct yaml_node *node)
{
	const char *names[NAMES_MAX];
	size_t count = 0;

	for (; value->keys[count].name != NULL; count++)
		names[count] = value->keys[count].name;
	unknown(config, node->key_place, "key", node->key, names, count);
}

static void read_keys(struct config *config, const struct config_value *value,
		      const struct yaml_node *node, void *target)
{
	for (const struct yaml_node *item = node->child; item != NULL; item = item->next) {
		const struct config_key *key = key_find(value->keys, item->key);

		if (key == NULL)
			unknown_key(config, value, item);
		else
			config_value_read(config, key->value, item, (char *)target + key->offset);
	}
	for (const struct config_key *key = value->keys; key->name != NULL; key++)
		if (key->required && yaml_find(node, key->name) == NULL)
			model_error(config->model, node, NULL, "`%s' is missing", key->name);
}

static void check_one_key(struct config *config, const struct config_value *value,
			  const struct yaml_node *node)
{
	const char *names[NAMES_MAX];
	size_t count = 0;
	char *list;

	if (node->child != NULL && node->child->next == NULL)
		return;
	for (; value->keys[count].name != NULL; count++)
		names[count] = value->keys[count].name;
	list = list_of(names, count);
	model_error(config->model, node->child != NULL ? node->child->next : node, NULL,
		    "expected one of %s in an entry", list);
	free(list);
}

static void read_map(struct config *config, const struct config_value *value,
		     const struct yaml_node *node, void *target)
{
	if (node->kind == YAML_MAP && value->one_key)
		check_one_key(config, value, node);
	if (node->kind == YAML_MAP)
		read_keys(config, value, node, target);
	else if (value->scalar_is_first && node->kind == YAML_SCALAR)
		config_value_read(config, value->keys->value, node,
				  (char *)target + value->keys->offset);
	else if (node->kind == YAML_SCALAR && node->text[0] == '\0' && !node->quoted)
		model_error(config->model, node, NULL, "nothing is said about it");
	else
		wrong(config, node, "`key: value' lines");
	if (value->done != NULL)
		value->done(config, target, node);
}

static void read_item(struct config *config, const struct config_value *value,
		      const struct yaml_node *node, void *target)
{
	void *item = value->add(config, target, node);

	if (item != NULL)
		config_value_read(config, value->item, node, item);
}

static void read_named(struct config *config, const struct config_value *value,
		       const struct yaml_node *node, void *target)
{
	/* `ports:` with nothing behind it is an empty map. */
	if (node->kind == YAML_SCALAR && node->text[0] == '\0' && !node->quoted)
		return;
	if (node->kind != YAML_MAP) {
		wrong(config, node, "`name: ...' lines");
		return;
	}
	for (const struct yaml_node *item = node->child; item != NULL; item = item->next)
		if (value->choices == NULL || choice_find(config, value, item->key_place, "key",
							  item->key) != NULL)
			read_item(config, value, item, target);
}

static void read_list(struct config *config, const struct config_value *value,
		      const struct yaml_node *node, void *target)
{
	if (node->kind != YAML_LIST) {
		read_item(config, value, node, target);
		return;
	}
	for (const struct yaml_node *item = node->child; item != NULL; item = item->next)
		read_item(config, value, item, target);
}

static void (*const readers[])(struct config *, const struct config_value *,
			       const struct yaml_node *, void *) = {
	[CONFIG_TEXT] = read_text,     [CONFIG_PATH] = read_path,   [CONFIG_NAME] = read_text,
	[CONFIG_SIZE] = read_size,     [CONFIG_TIME] = read_time,   [CONFIG_NUMBER] = read_number,
	[CONFIG_BOOL] = read_bool,     [CONFIG_CHOICE] = read_choice, [CONFIG_FLAGS] = read_flags,
	[CONFIG_CPUS] = read_cpus,     [CONFIG_RANGE] = read_range, [CONFIG_MAP] = read_map,
	[CONFIG_NAMED] = read_named,   [CONFIG_LIST] = read_list,
};

void config_value_read(struct config *config, const struct config_value *value,
		       const struct yaml_node *node, void *target)
{
	readers[value->kind](config, value, node, target);
}
