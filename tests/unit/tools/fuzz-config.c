/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer: the input is a list of edits to a configuration that has a bit of everything. What is read
 * without an error must make a system image that the kernel's check takes.
 *
 * sources: @tests/unit/tools/fuzz-config.sources
 * runs: 10000
 * @verifies TOOL-112
 * @verifies TOOL-001
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/config.h"
#include "tools/image.h"
#include "tools/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char base[] =
	"name: all\ncpus: 2\nmemory: 256M\n"
	"partitions:\n"
	"  a:\n    kind: native\n    program: p\n    memory: 1M\n    ports: [out, in]\n"
	"    period: 10ms\n    budget: 2ms\n    restart: {kind: cold, limit: 3}\n"
	"    devices:\n      - ports: 0x2f8-0x2ff\n      - {irq: 3}\n      - memory: 0xfeb00000+4K\n"
	"  b: {kind: vm, kernel: k, vcpus: 2, cpus: [0, 1], stolen-time: hidden, flush: [cache, tlb], rights: plan,\n"
	"      modules: [m, {file: n, args: x}], disks: {file: d, mode: overlay}, network: wire,\n"
	"      console: {keys: true}, watchdog: 1s, health: {hang: restart-cold}, rng: true}\n"
	"  c: {kind: native, program: p, background: true}\n"
	"plans:\n  normal:\n    frame: 20ms\n    cpus:\n      0:\n        frame: 10ms\n"
	"        windows:\n          - {partition: a, duration: 2ms}\n"
	"          - {partition: b, offset: 4ms, duration: 2.5ms, release: true}\n"
	"      1: {windows: [{partition: b, duration: 20ms}]}\n"
	"  other:\n    frame: 10ms\n    without: a\n    cpus: {0: {windows: "
	"{partition: b, duration: 1ms}}}\n"
	"channels:\n  s: {kind: sampling, max-message: 64, refresh: 50ms, from: a.out, to: b.in}\n"
	"  q: {kind: queuing, max-message: 1K, from: b.out, to: [{port: a.in, depth: 4}]}\n"
	"shared:\n  wire: {size: 64K, map: {a: ro, b: rw}}\n"
	"health:\n  nmi: log\n  window-late: {action: switch-plan, plan: other}\n"
	"trace: {records: 4K}\n";

static const char *const words[] = {
	"",	"\n",	  "\n  ",  "\n    ", "\n      - ", ": ", "{",	 "}",	    "[",     "]",
	", ",	"- ",	  "\"",	   "'",	     "#",	   "&x", "*x",	 "!t",	    "? ",    "|",
	"0",	"1",	  "64",	   "0x",     "4096",	   "-1", "K",	 "M",	    "G",     "ms",
	"us",	"ns",	  "s",	   ".5",     "1h",	   "18446744073709551615",	   "a",	     "b",
	"c",	"a.out",  "b.in",  "wire",   "normal",	   "other",		   "kind",  "native",
	"vm",	"true",	  "false", "cold",   "log",	   "stop",		   "frame", "windows",
	"cpus", "memory", "plans", "---\n",  "...\n",	   "\xff",		   "\t",    "\r\n",
};
#define WORDS (sizeof(words) / sizeof(words[0]))

/* An edit: where, how much goes, which word comes. */
static char *edit(const uint8_t *data, size_t size, size_t *length)
{
	char *text = string_copy(base);

	*length = strlen(base);
	for (; size >= 4 && *length != 0; data += 4, size -= 4) {
		const size_t at = (data[0] | (size_t)data[1] << 8) % *length;
		size_t gone = data[2] % 24u;
		const char *word = words[data[3] % WORDS];
		char *longer;

		if (gone > *length - at)
			gone = *length - at;
		longer = memory_new(*length - gone + strlen(word) + 1);
		memcpy(longer, text, at);
		memcpy(longer + at, word, strlen(word));
		memcpy(longer + at + strlen(word), text + at + gone, *length - at - gone);
		*length = *length - gone + strlen(word);
		free(text);
		text = longer;
	}
	return text;
}

/* What model_load() would read from files. */
static void load(struct model *model)
{
	for (size_t i = 0; i < model->partition_count; i++) {
		struct model_partition *partition = &model->partitions[i];

		partition->args = string_copy("");
		partition->own_program.name = string_copy("p");
		if (partition->vcpus == 0)
			partition->vcpus = 1;
		if (partition->memory == 0)
			partition->memory = MODEL_NATIVE_MEMORY_DEFAULT;
	}
	model->vmm.name = string_copy("vmm");
}

static void draw(const struct model *model)
{
	static FILE *nowhere;

	if (nowhere == NULL)
		nowhere = fopen("/dev/null", "w");
	picture_text(model, nowhere);
	picture_svg(model, nowhere);
	complaints_print(model->complaints, nowhere);
	complaints_print_json(model->complaints, nowhere);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model model = {0};
	struct bytes text, image;

	text.data = (uint8_t *)edit(data, size, &text.size);
	if (config_read_text("fuzz.yaml", text, &model)) {
		load(&model);
		if (!image_make(&model, &image))
			abort();
		free(image.data);
		draw(&model);
	} else if (model.complaints->errors == 0 || size == 0) {
		complaints_print(model.complaints, stderr);
		abort();
	}
	model_free(&model);
	return 0;
}
