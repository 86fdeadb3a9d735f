/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer entry: a debugger that sends anything to a VM that has stopped, and to one that runs. The input
 * is what it sends; packets get their right checksum (`#` and two bytes of any kind end one), or hardly any
 * would be taken.
 * sources: @tests/unit/vmm/fuzz-machine.sources
 * runs: 20000
 *
 * @verifies GDB-001 GDB-002
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/vmm/mock.h"
#include "vmm/options.h"
#include "vmm/vm.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vm vm;
static struct options options;

/** Not the model's to call: the vCPU is parked by hand. */
static hv_status_t guest(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	(void)vcpu;
	(void)step;
	page->exit.kind = HV_EXIT_KICKED;
	return HV_OK;
}

/** Packets as they begin, so that the search starts from something. */
static const char *const seeds[] = {
	"qSupported:swbreak+", "QStartNoAckMode", "g", "p3", "P10=00000000", "m1000,10", "M1000,1:90",
	"X1000,1:x", "Z0,1000,1", "z0,1000,1", "Z2,1000,8", "Hg1", "vCont;s:1;c", "?", "D",
	"qXfer:features:read:target.xml:0,ffb", "qXfer:threads:read::0,1000", "qRcmd,68656c70",
	"qRcmd,72", "qfThreadInfo", "T1", "qC", "G00", "k", "vKill;1",
};

static void mutate_seed(uint8_t *packet, size_t *length, uint8_t which)
{
	const char *seed = seeds[which % (sizeof(seeds) / sizeof(seeds[0]))];

	*length = strlen(seed);
	memcpy(packet, seed, *length);
}

static void send(const uint8_t *text, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t out[4096] = {'$'}, sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + text[i]);
	memcpy(out + 1, text, size);
	out[size + 1] = '#';
	out[size + 2] = (uint8_t)digits[sum >> 4];
	out[size + 3] = (uint8_t)digits[sum & 15];
	mock_debug_send(out, size + 4);
}

/** What a parked vCPU's thread would have done. */
static void park_all(void)
{
	for (uint32_t i = 0; i < vm.vcpu_count; i++) {
		struct debug_vcpu *v = &vm.debug.vcpu[i];
		v->inside = true;
		v->fpu_size = DEBUG_FPU;
		v->parked = v->held;
	}
}

static void serve(void)
{
	platform_mutex_lock(&vm.lock);
	mock_debug_out_length = 0;
	debug_serve(&vm, true);
	park_all();
	debug_serve(&vm, false);
	platform_mutex_unlock(&vm.lock);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	mock_reset();
	mock_memory_limit = UINT64_C(2) << 20;
	mock_guest = guest;
	if (options_parse("--memory 2M --vcpus 2", &options) || vm_create(&vm, &options) != 0)
		abort();
	return 0;
}

static void begin(void)
{
	platform_mutex_lock(&vm.lock);
	debug_release(&vm);
	memset(&vm.debug, 0, sizeof(vm.debug));
	vm.stopped = vm.restarting = 0;
	mock_console_length = 0;
	for (uint32_t i = 0; i < vm.vcpu_count; i++) {
		vm.vcpu[i].attention = 0;
		memset(vm.vcpu[i].page, 0, sizeof(*vm.vcpu[i].page));
	}
	platform_mutex_unlock(&vm.lock);
	while (platform_debug_read(&(uint8_t){0}, 1) == 1)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t packet[2100];
	size_t length = 0;

	begin();
	for (size_t i = 0; i < size; i++) {
		if (data[i] >= 0xe0) {
			mutate_seed(packet, &length, (uint8_t)(data[i] - 0xe0));
			continue;
		}
		if (data[i] != '#' && length < sizeof(packet)) {
			packet[length++] = data[i];
			continue;
		}
		send(packet, length);
		serve();
		length = 0;
	}
	mock_debug_send(packet, length); /* bytes as they are */
	serve();
	return 0;
}
