/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request for a running machine, and its answer: a line of JSON each (docs/control.md).
 *
 * @req TOOL-141 Every line that comes to a machine's control socket is answered by one line of JSON, which says what
 *               is wrong with it where something is.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tools/control.h"

/* ---- answers ---- */

static json_t *failed(const char *code, const char *message)
{
	return json_pack("{s:b, s:{s:s, s:s}}", "ok", 0, "error", "code", code, "message", message);
}

/** The text repeats a part of what came, which may be anything. */
static json_t *not_json(const char *text)
{
	json_t *answer = failed("syntax", text);

	return answer != NULL ? answer : failed("syntax", "that isn't UTF-8");
}

/** What a function of hypike/vmm.h says. */
static json_t *done(const char *why)
{
	return why == NULL ? json_pack("{s:b}", "ok", 1) : failed("state", why);
}

static void finish(struct control_reply *reply, json_t *answer, json_t *id)
{
	if (id != NULL)
		json_object_set(answer, "id", id);
	const size_t size = answer != NULL ? json_dumpb(answer, NULL, 0, 0) : 0;

	free(reply->data);
	reply->data = size > 0 ? malloc(size + 1) : NULL;
	if (reply->data != NULL) {
		json_dumpb(answer, reply->data, size, 0);
		reply->data[size] = '\n';
		reply->size = size + 1;
	}
	json_decref(answer);
}

void control_too_long(struct control_reply *reply)
{
	*reply = (struct control_reply){.data = NULL};
	finish(reply, failed("too-long", "a request has at most 4096 bytes"), NULL);
}

/* ---- commands ---- */

struct request {
	const struct control_machine *machine;
	const struct operations *operations; /**< that machine's */
	const json_t *object;
	bool busy;
	struct control_reply *reply;
};

static json_t *status(struct request *request)
{
	static const char *const states[] = {
		[HYPIKE_VMM_STARTING] = "starting",
		[HYPIKE_VMM_RUNNING] = "running",
		[HYPIKE_VMM_PAUSED] = "paused",
		[HYPIKE_VMM_ENDED] = "ended",
	};
	const struct control_machine *m = request->machine;
	struct hypike_vmm_info info;

	m->operations->info(&info);
	return json_pack("{s:b, s:i, s:s, s:I, s:s, s:I, s:i, s:I, s:s}", "ok", 1, "protocol", CONTROL_PROTOCOL,
			 "name", m->name, "pid", (json_int_t)m->pid, "state", states[info.state], "memory",
			 (json_int_t)info.memory, "vcpus", (int)info.vcpus, "uptime_ms",
			 (json_int_t)m->uptime_ms(), "kernel", m->kernel);
}

static json_t *stop(struct request *request)
{
	const json_t *force = json_object_get(request->object, "force");

	if (force != NULL && !json_is_boolean(force))
		return failed("argument", "\"force\" is true or false");
	return done(json_is_true(force) ? request->operations->end() : request->operations->power_button());
}

static json_t *reset(struct request *request)
{
	return done(request->operations->reset());
}

static json_t *pause_it(struct request *request)
{
	return done(request->operations->pause());
}

static json_t *resume(struct request *request)
{
	return done(request->operations->resume());
}

static json_t *exits_of(const struct hypike_vmm_stats *stats)
{
	json_t *exits = json_object();

	for (unsigned int i = 0; i < stats->kinds; i++) {
		const struct hypike_vmm_exits *kind = &stats->exits[i];
		if (kind->driver + kind->vmm > 0)
			json_object_set_new(exits, kind->name,
					    json_pack("{s:I, s:I}", "driver", (json_int_t)kind->driver, "vmm",
						      (json_int_t)kind->vmm));
	}
	return exits;
}

static json_t *counters_of(const struct hypike_vmm_device *device)
{
	json_t *counters = json_object();

	for (unsigned int i = 0; i < device->counters; i++)
		json_object_set_new(counters, device->counter[i].name,
				    json_integer((json_int_t)device->counter[i].value));
	return counters;
}

static json_t *devices_of(const struct hypike_vmm_stats *stats)
{
	json_t *devices = json_object();

	for (unsigned int i = 0; i < stats->devices; i++)
		json_object_set_new(devices, stats->device[i].name, counters_of(&stats->device[i]));
	return devices;
}

static json_t *stats(struct request *request)
{
	struct hypike_vmm_stats stats;
	const char *why = request->operations->stats(&stats);

	if (why != NULL)
		return done(why);
	return json_pack("{s:b, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "ok", 1, "exits", exits_of(&stats),
			 "devices", devices_of(&stats), "entries", (json_int_t)stats.entries, "injected",
			 (json_int_t)stats.injected, "resets", (json_int_t)stats.resets, "time_ns",
			 (json_int_t)stats.time_ns, "first_ns", (json_int_t)stats.first_ns);
}

/** The line, and behind it the pixels. */
static json_t *with_pixels(struct request *request, unsigned int width, unsigned int height)
{
	const size_t size = (size_t)width * height * sizeof(uint32_t);
	uint32_t *pixels = calloc(1, size);
	unsigned int first, end;
	struct control_reply *reply = request->reply;

	if (pixels == NULL || !request->operations->screen_draw(pixels, width, height, &first, &end)) {
		free(pixels);
		return failed("busy", "the screen is just changing; try again");
	}
	finish(reply, json_pack("{s:b, s:i, s:i, s:I}", "ok", 1, "width", (int)width, "height", (int)height,
				"bytes", (json_int_t)size),
	       json_object_get(request->object, "id"));
	char *both = reply->data != NULL ? realloc(reply->data, reply->size + size) : NULL;
	if (both != NULL) {
		memcpy(both + reply->size, pixels, size);
		reply->size += size;
		reply->large = true;
	} else {
		free(reply->data);
	}
	reply->data = both;
	free(pixels);
	return NULL;
}

static json_t *screenshot(struct request *request)
{
	unsigned int width, height;

	if (request->busy)
		return failed("busy", "another picture is on its way; try again");
	if (request->operations->screen_ready != NULL && !request->operations->screen_ready())
		return failed("busy", "the picture is on its way; try again");
	if (!request->operations->screen_size(&width, &height) || width == 0 || height == 0)
		return failed("state", "there is no screen yet");
	return with_pixels(request, width, height);
}

static json_t *console(struct request *request)
{
	struct hypike_vmm_info info;

	request->operations->info(&info);
	if (info.state != HYPIKE_VMM_RUNNING && info.state != HYPIKE_VMM_PAUSED)
		return failed("state", "the machine doesn't run");
	request->reply->console = true;
	return done(NULL);
}

static const struct {
	const char *name;
	json_t *(*run)(struct request *request);
} commands[] = {
	{"status", status}, {"stop", stop},   {"reset", reset},		  {"pause", pause_it},
	{"resume", resume}, {"stats", stats}, {"screenshot", screenshot}, {"console", console},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/** @return what to say, NULL: it is in the reply already */
static json_t *run(struct request *request)
{
	const char *name = json_string_value(json_object_get(request->object, "command"));

	if (name == NULL)
		return failed("argument", "a request has a \"command\", which is a string");
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(request);
	return failed("unknown-command", "there are status, stop, reset, pause, resume, stats, screenshot, "
					 "console");
}

void control_request(const struct control_machine *machine, const char *line, size_t size, bool busy,
		     struct control_reply *reply)
{
	json_error_t error;
	json_t *object = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
	struct request request = {machine, machine->operations, object, busy, reply};
	json_t *answer;

	*reply = (struct control_reply){.data = NULL};
	if (object == NULL)
		answer = not_json(error.text);
	else if (!json_is_object(object))
		answer = failed("syntax", "a request is an object");
	else
		answer = run(&request);
	if (answer != NULL)
		finish(reply, answer, json_object_get(object, "id"));
	json_decref(object);
}
