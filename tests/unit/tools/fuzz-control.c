/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer: a request at a machine's control socket, either the input as it is, or an object made of pieces that it
 * chooses. Whatever comes, the answer is one line of JSON that says whether it was done.
 *
 * sources: @tests/unit/tools/fuzz-control.sources
 * @verifies TOOL-141
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tools/control_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const pieces[] = {
	"{",	   "}",	   "[",	     "]",	 ":",	 ",",	      "\"command\"",	"\"status\"",
	"\"stop\"", "\"reset\"", "\"pause\"", "\"resume\"", "\"stats\"", "\"screenshot\"", "\"console\"", "\"force\"",
	"true",	   "false", "null",   "\"id\"", "1",	 "-1e999",    "99999999999999999999", "\"\\ud800\"",
	"\"\\u0000\"", " ", "\"\xff\"", "{\"command\":",
};
#define PIECES (sizeof(pieces) / sizeof(pieces[0]))

static size_t put_together(const uint8_t *data, size_t size, char line[CONTROL_LINE])
{
	size_t length = 0;

	for (size_t i = 0; i < size; i++) {
		const char *piece = pieces[data[i] % PIECES];
		if (length + strlen(piece) >= CONTROL_LINE)
			break;
		memcpy(line + length, piece, strlen(piece));
		length += strlen(piece);
	}
	return length;
}

static void check(const struct control_reply *reply)
{
	const char *end = reply->data != NULL ? memchr(reply->data, '\n', reply->size) : NULL;
	json_t *answer = end != NULL ? json_loadb(reply->data, (size_t)(end - reply->data), 0, NULL) : NULL;

	if (answer == NULL || !json_is_boolean(json_object_get(answer, "ok")))
		abort();
	if (!reply->large && end + 1 != reply->data + reply->size)
		abort();
	if ((reply->console || reply->large) && !json_is_true(json_object_get(answer, "ok")))
		abort();
	json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_reply reply;
	char line[CONTROL_LINE];

	if (size == 0)
		return 0;
	fake.state = (enum hypike_vmm_state)(data[0] >> 1 & 3);
	fake.refuses = data[0] & 8 ? "no" : NULL;
	fake.width = data[0] & 16 ? 0 : 3;
	size_t length = size - 1 < CONTROL_LINE ? size - 1 : CONTROL_LINE - 1;
	if (data[0] & 1)
		length = put_together(data + 1, size - 1, line);
	else
		memcpy(line, data + 1, length);
	control_request(&fake_machine, line, length, (data[0] & 32) != 0, &reply);
	check(&reply);
	free(reply.data);
	return 0;
}
