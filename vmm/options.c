/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/options.h"

#include "lib/string.h"

#define DEFAULT_MEMORY (UINT64_C(64) << 20)
#define MAX_WORDS      128u

const char options_help[] =
	"vmm: options:\n"
	"  --memory SIZE       guest memory, with K, M or G (64M)\n"
	"  --kernel NAME       Multiboot kernel: a file of the partition\n"
	"  --firmware NAME     instead of a kernel: a ROM image to start at the reset vector\n"
	"  --cmdline TEXT      its command line\n"
	"  --module \"NAME ...\" a module and its command line; may be repeated\n"
	"  --vcpus N           virtual CPUs (1)\n"
	"  --machine pc        what to be\n"
	"  --timeout-ms N      end the VM after that time\n"
	"  --rtc SECONDS       time of the clock at the start, since 1970 UTC\n"
	"  --disk NAME[,ro|overlay]  a file as a virtio disk, read-only or with writes kept in\n"
	"                      memory while the VM lives; may be repeated\n"
	"  --serial2 IN,OUT    COM2: receives messages of queuing port IN, sends to OUT\n"
	"  --virtio-console    a console port; takes the keys when its driver is up\n"
	"  --net NAME[,mac=MAC]  a virtio network card, its cable a shared memory region\n"
	"  --virtio-split      virtio devices have split rings alone\n"
	"  --rng               a virtio entropy device\n"
	"  --rng-seed N        it gives the same bytes each time\n"
	"  --display           a framebuffer of 16 MiB (Bochs's VBE extensions), and a mouse\n"
	"  --screen            print the text screen at the end\n"
	"  --trace-absent      list accesses to absent devices at the end\n"
	"  --trace-exits       print each exit that the VMM settles, with its values\n"
	"  --test-device       add the device of tests: port C80h, memory FED80000h\n"
	"  --reboots N         so often, a reset by the guest boots it anew (0)\n"
	"  --gdb-wait          wait for a debugger, before the guest runs and when it fails\n"
	"  --no-summary        no table of exits at the end\n"
	"  --no-pvpanic        no device by which the guest says that it has panicked\n";

enum kind { KIND_FLAG, KIND_TEXT, KIND_SIZE, KIND_COUNT, KIND_LIST };

/** An option: where its value goes. */
struct row {
	const char *name;
	size_t offset;
	enum kind kind;
	size_t count;	     /**< KIND_LIST: where the number is */
	uint32_t limit;	     /**< and the highest */
	const char *too_many;
};

#define ROW(name, member, kind) {name, offsetof(struct options, member), kind, 0, 0, NULL}
#define ROW_LIST(name, member, counter, limit)                                                     \
	{name,	offsetof(struct options, member), KIND_LIST, offsetof(struct options, counter),    \
	 limit, "too many " #counter}

static const struct row rows[] = {
	ROW("--memory", memory, KIND_SIZE),
	ROW("--kernel", kernel, KIND_TEXT),
	ROW("--firmware", firmware, KIND_TEXT),
	ROW("--cmdline", cmdline, KIND_TEXT),
	ROW_LIST("--module", module, modules, OPTIONS_MODULES),
	ROW("--vcpus", vcpus, KIND_COUNT),
	ROW("--machine", machine, KIND_TEXT),
	ROW("--timeout-ms", timeout_ms, KIND_SIZE),
	ROW("--rtc", rtc, KIND_SIZE),
	ROW_LIST("--disk", disk, disks, OPTIONS_DISKS),
	ROW_LIST("--net", net, nets, OPTIONS_NETS),
	ROW("--serial2", serial2, KIND_TEXT),
	ROW("--virtio-console", virtio_console, KIND_FLAG),
	ROW("--virtio-split", virtio_split, KIND_FLAG),
	ROW("--rng", rng, KIND_FLAG),
	ROW("--rng-seed", rng_seed, KIND_SIZE),
	ROW("--display", display, KIND_FLAG),
	ROW("--screen", screen, KIND_FLAG),
	ROW("--trace-absent", trace_absent, KIND_FLAG),
	ROW("--trace-exits", trace_exits, KIND_FLAG),
	ROW("--test-device", test_device, KIND_FLAG),
	ROW("--reboots", reboots, KIND_COUNT),
	ROW("--gdb-wait", gdb_wait, KIND_FLAG),
	ROW("--no-summary", no_summary, KIND_FLAG),
	ROW("--no-pvpanic", no_pvpanic, KIND_FLAG),
	ROW("--help", help, KIND_FLAG),
};

static bool digits(const char **text, uint64_t *value)
{
	const char *p = *text;

	*value = 0;
	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(*value, UINT64_C(10), value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*p - '0'), value))
			return false;
	}
	*text = p;
	return true;
}

bool options_size(const char *text, uint64_t *value)
{
	static const char suffix[] = "KMG";
	unsigned int shift = 0;

	if (!digits(&text, value))
		return false;
	if (*text != '\0') {
		const char *found = strchr(suffix, *text);
		if (!found || text[1] != '\0')
			return false;
		shift = 10 * (unsigned int)(found - suffix + 1);
	}
	if (*value > UINT64_MAX >> shift)
		return false;
	*value <<= shift;
	return true;
}

/* ------------------------------------------------------------------------------------------ words */

struct reader {
	const char *from;
	char *to;
	const char *end; /**< of the room at `to` */
};

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/** Copy one word, without its quotes. @return false where there's no room or no closing quote. */
static bool word_copy(struct reader *r)
{
	char quote = '\0';

	for (; *r->from != '\0' && (quote != '\0' || !blank(*r->from)); r->from++) {
		char c = *r->from;
		if (quote == '\0' && (c == '"' || c == '\'')) {
			quote = c;
			continue;
		}
		if (c == quote) {
			quote = '\0';
			continue;
		}
		if (c == '\\' && quote != '\'' && r->from[1] != '\0')
			c = *++r->from;
		if (r->to == r->end - 1)
			return false;
		*r->to++ = c;
	}
	if (r->to == r->end)
		return false;
	*r->to++ = '\0';
	return quote == '\0';
}

/** @return the number of words, or -1. */
static int words_split(const char *args, struct options *options, const char *words[MAX_WORDS])
{
	struct reader r = {args, options->text, options->text + sizeof(options->text)};
	int count = 0;

	for (;;) {
		while (blank(*r.from))
			r.from++;
		if (*r.from == '\0')
			return count;
		if (count == MAX_WORDS || r.to == r.end)
			return -1;
		words[count++] = r.to;
		if (!word_copy(&r))
			return -1;
	}
}

/* ---------------------------------------------------------------------------------------- options */

static const struct row *row_find(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

static const char *list_add(struct options *options, const struct row *row, const char *value)
{
	uint32_t *count = (uint32_t *)(void *)((char *)options + row->count);

	if (*count == row->limit)
		return row->too_many;
	memcpy((char *)options + row->offset + *count * sizeof(value), &value, sizeof(value));
	(*count)++;
	return NULL;
}

static const char *value_set(struct options *options, const struct row *row, const char *value)
{
	char *member = (char *)options + row->offset;
	uint64_t number;

	switch (row->kind) {
	case KIND_FLAG:
		break;
	case KIND_TEXT:
		memcpy(member, &value, sizeof(value));
		break;
	case KIND_LIST:
		return list_add(options, row, value);
	case KIND_SIZE:
		if (!options_size(value, &number))
			return "is not a number";
		memcpy(member, &number, sizeof(number));
		break;
	case KIND_COUNT:
		if (!options_size(value, &number) || number == 0 || number > UINT32_MAX)
			return "is not a count";
		memcpy(member, &(uint32_t){(uint32_t)number}, sizeof(uint32_t));
		break;
	}
	return NULL;
}

const char *options_parse(const char *args, struct options *options)
{
	const char *words[MAX_WORDS];

	memset(options, 0, sizeof(*options));
	options->memory = DEFAULT_MEMORY;
	options->vcpus = 1;
	options->machine = "pc";
	options->cmdline = "";
	options->culprit = "command line";
	int count = words_split(args, options, words);
	if (count < 0)
		return "too long, or a quote isn't closed";
	for (int i = 0; i < count; i++) {
		const struct row *row = row_find(words[i]);
		options->culprit = words[i];
		if (!row)
			return "unknown option";
		if (row->kind == KIND_FLAG) {
			*((bool *)(void *)((char *)options + row->offset)) = true;
			continue;
		}
		if (++i == count)
			return "needs a value";
		options->culprit = words[i];
		const char *why = value_set(options, row, words[i]);
		if (why)
			return why;
	}
	return NULL;
}
