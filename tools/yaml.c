/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds the tree from libfyaml's events: so nothing that a hostile file can ask for (aliases of
 * aliases, endless depth) is ever there.
 */
#include "tools/yaml.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct complaints *complaints;
	struct yaml_node *root;
	struct yaml_node *open; /* the list or map that is being filled; NULL: none */
	char *key;		/* read, its value is still to come */
	struct place key_place;
	unsigned depth, nodes;
	bool failed;
};

static struct place place_of(const struct fy_mark *start, const struct fy_mark *end)
{
	struct place place = {0};

	if (start == NULL)
		return place;
	place.line = (unsigned)start->line + 1;
	place.column = (unsigned)start->column + 1;
	if (end != NULL && end->line == start->line && end->column > start->column)
		place.width = (unsigned)(end->column - start->column);
	return place;
}

static struct place token_place(struct fy_token *token)
{
	if (token == NULL)
		return (struct place){0};
	return place_of(fy_token_start_mark(token), fy_token_end_mark(token));
}

static bool refuse(struct reader *reader, struct place place, const char *what)
{
	complain(reader->complaints, COMPLAINT_ERROR, place, "%s", what);
	reader->failed = true;
	return false;
}

/* ---- the tree ---- */

static void check_twice(struct reader *reader)
{
	const struct yaml_node *before = yaml_find(reader->open, reader->key);

	if (before != NULL)
		complain(reader->complaints, COMPLAINT_ERROR, reader->key_place,
			 "`%s' is there already, in line %u", reader->key, before->key_place.line);
}

static void link_node(struct reader *reader, struct yaml_node *node)
{
	struct yaml_node *open = reader->open;

	node->parent = open;
	if (open == NULL) {
		reader->root = node;
		return;
	}
	if (open->kind == YAML_MAP) {
		check_twice(reader);
		node->key = reader->key;
		node->key_place = reader->key_place;
		reader->key = NULL;
	}
	if (open->last != NULL)
		open->last->next = node;
	else
		open->child = node;
	open->last = node;
}

static struct yaml_node *add_node(struct reader *reader, enum yaml_kind kind, struct place place)
{
	struct yaml_node *node;

	if (++reader->nodes > YAML_NODES) {
		refuse(reader, place, "the file has too many values");
		return NULL;
	}
	node = memory_new(sizeof(*node));
	node->kind = kind;
	node->place = place;
	link_node(reader, node);
	return node;
}

static bool key_is_due(const struct reader *reader)
{
	return reader->open != NULL && reader->open->kind == YAML_MAP && reader->key == NULL;
}

/* ---- events ---- */

static bool plain_style(struct fy_token *token)
{
	return token == NULL || fy_token_scalar_style(token) == FYSS_PLAIN;
}

static bool take_scalar(struct reader *reader, struct fy_token *value)
{
	const struct place place = token_place(value);
	size_t length = 0;
	const char *text = value != NULL ? fy_token_get_text(value, &length) : "";
	struct yaml_node *node;
	char *copy;

	if (text == NULL)
		return refuse(reader, place, "out of memory");
	if (memchr(text, '\0', length) != NULL)
		return refuse(reader, place, "the text has a NUL character");
	copy = string_format("%.*s", (int)length, text);
	if (key_is_due(reader)) {
		reader->key = copy;
		reader->key_place = place;
		return true;
	}
	node = add_node(reader, YAML_SCALAR, place);
	if (node == NULL) {
		free(copy);
		return false;
	}
	/* A value that isn't there has no place of its own. */
	if (node->place.line == 0)
		node->place = node->key_place;
	node->text = copy;
	node->quoted = !plain_style(value);
	return true;
}

static bool take_start(struct reader *reader, enum yaml_kind kind, const struct fy_mark *start)
{
	const struct place place = place_of(start, NULL);
	struct yaml_node *node;

	if (key_is_due(reader))
		return refuse(reader, place, "a key must be a word, not a list or a map");
	if (++reader->depth > YAML_DEPTH)
		return refuse(reader, place, "nested too deeply");
	node = add_node(reader, kind, place);
	if (node == NULL)
		return false;
	reader->open = node;
	return true;
}

static bool take_end(struct reader *reader)
{
	reader->depth--;
	reader->open = reader->open->parent;
	return true;
}

static struct fy_token *decoration_of(const struct fy_event *event)
{
	switch (event->type) {
	case FYET_SCALAR:
		return event->scalar.anchor ? event->scalar.anchor : event->scalar.tag;
	case FYET_SEQUENCE_START:
		return event->sequence_start.anchor ? event->sequence_start.anchor
						    : event->sequence_start.tag;
	case FYET_MAPPING_START:
		return event->mapping_start.anchor ? event->mapping_start.anchor
						   : event->mapping_start.tag;
	default:
		return NULL;
	}
}

static bool take_event(struct reader *reader, struct fy_event *event)
{
	struct fy_token *decoration = decoration_of(event);

	if (decoration != NULL)
		return refuse(reader, token_place(decoration),
			      "anchors (&), aliases (*) and tags (!) are not for configurations");
	switch (event->type) {
	case FYET_DOCUMENT_START:
		return reader->root == NULL ||
		       refuse(reader, place_of(fy_event_start_mark(event), NULL),
			      "a second document begins");
	case FYET_SCALAR:
		return take_scalar(reader, event->scalar.value);
	case FYET_SEQUENCE_START:
		return take_start(reader, YAML_LIST, fy_event_start_mark(event));
	case FYET_MAPPING_START:
		return take_start(reader, YAML_MAP, fy_event_start_mark(event));
	case FYET_SEQUENCE_END:
	case FYET_MAPPING_END:
		return take_end(reader);
	case FYET_ALIAS:
		return refuse(reader, token_place(event->alias.anchor),
			      "anchors (&), aliases (*) and tags (!) are not for configurations");
	default:
		return true;
	}
}

static void take_events(struct reader *reader, struct fy_parser *parser)
{
	struct fy_event *event;

	while ((event = fy_parser_parse(parser)) != NULL) {
		const bool more = take_event(reader, event);

		fy_parser_event_free(parser, event);
		if (!more)
			return;
	}
}

/* ---- what libfyaml itself has to say ---- */

/* It says `<memory-...>:line:column: error: reason`, then shows the source, each line in a call. */
static void take_diagnosis(struct fy_diag *diag, void *user, const char *text, size_t length)
{
	char *copy = string_format("%.*s", (int)length, text);
	struct place place = {0};
	int used = 0;

	(void)diag;
	copy[strcspn(copy, "\n")] = '\0';
	if (sscanf(copy, "<memory-%*[^>]>:%u:%u: error: %n", &place.line, &place.column, &used) ==
		    2 &&
	    used > 0)
		refuse(user, place, copy + used);
	free(copy);
}

static struct fy_diag *make_diag(struct reader *reader)
{
	struct fy_diag_cfg config;

	fy_diag_cfg_default(&config);
	config.fp = NULL;
	config.output_fn = take_diagnosis;
	config.user = reader;
	config.level = FYET_ERROR;
	config.colorize = false;
	config.show_source = false;
	config.show_position = false;
	config.show_type = false;
	config.show_module = false;
	return fy_diag_create(&config);
}

static bool parse(struct reader *reader)
{
	const struct bytes *text = &reader->complaints->text;
	struct fy_diag *diag = make_diag(reader);
	const struct fy_parse_cfg config = {
		.flags = FYPCF_QUIET | FYPCF_DISABLE_MMAP_OPT,
		.diag = diag,
	};
	struct fy_parser *parser = fy_parser_create(&config);
	bool ok = parser != NULL &&
		  fy_parser_set_string(parser, (const char *)text->data, text->size) == 0;

	if (ok) {
		take_events(reader, parser);
		ok = !fy_parser_get_stream_error(parser);
	}
	fy_parser_destroy(parser);
	fy_diag_destroy(diag);
	if (!ok && reader->complaints->errors == 0)
		refuse(reader, (struct place){0}, "this is no YAML");
	return ok && !reader->failed;
}

struct yaml_node *yaml_read(struct complaints *complaints)
{
	struct reader reader = {.complaints = complaints};

	if (complaints->text.size == 0) {
		refuse(&reader, (struct place){0}, "the file is empty");
		return NULL;
	}
	if (!parse(&reader)) {
		free(reader.key);
		yaml_free(reader.root);
		return NULL;
	}
	if (reader.root == NULL)
		refuse(&reader, (struct place){0}, "the file is empty");
	return reader.root;
}

/* Depth is bounded, see take_start(). */
void yaml_free(struct yaml_node *root)
{
	struct yaml_node *child, *next;

	if (root == NULL)
		return;
	for (child = root->child; child != NULL; child = next) {
		next = child->next;
		yaml_free(child);
	}
	free(root->text);
	free(root->key);
	free(root);
}

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key)
{
	if (map == NULL || map->kind != YAML_MAP)
		return NULL;
	for (const struct yaml_node *node = map->child; node != NULL; node = node->next)
		if (strcmp(node->key, key) == 0)
			return node;
	return NULL;
}
