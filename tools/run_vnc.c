/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike run --vnc` and `--screenshot`. What they need of libraries is in a file of its own (hypike-vnc.so), which is
 * loaded for them alone: other runs start no later and take no more memory.
 */
#include <dlfcn.h>
#include <stdlib.h>

#include <hypike/vmm.h>

#include "tools/run.h"
#include "tools/vnc.h"

static bool confine(void)
{
	return hypike_vmm_confine(HYPIKE_VMM_DISPLAY);
}

static const struct vnc_machine machine = {hypike_vmm_screen_size, hypike_vmm_screen_draw, hypike_vmm_key,
					   hypike_vmm_mouse, confine};

/** A function of the module. @return NULL after report() */
static void *module_function(const char *name)
{
	void *module = dlopen(path_of_part("tools/hypike-vnc.so"), RTLD_NOW | RTLD_LOCAL);
	void *function = module != NULL ? dlsym(module, name) : NULL;

	if (function == NULL)
		report("the display: %s", dlerror());
	return function;
}

bool run_vnc(const char *where)
{
	if (where == NULL)
		return true;
	const char *(*start)(const char *, const struct vnc_machine *) =
		(const char *(*)(const char *, const struct vnc_machine *))module_function("vnc_start");

	if (start == NULL)
		return false;
	const char *wrong = start(where, &machine);
	return wrong == NULL || report("--vnc %s: %s", where, wrong);
}

bool png_save(const char *what, const char *path, const uint32_t *pixels, unsigned int width, unsigned int height)
{
	const char *(*write)(const char *, const uint32_t *, unsigned int, unsigned int) =
		(const char *(*)(const char *, const uint32_t *, unsigned int, unsigned int))
			module_function("png_write");

	if (write == NULL)
		return false;
	const char *wrong = write(path, pixels, width, height);
	return wrong == NULL || report("%s %s: %s", what, path, wrong);
}

bool run_screenshot(const char *path)
{
	unsigned int width, height, first, end;
	uint32_t *pixels;

	if (path == NULL || !hypike_vmm_screen_size(&width, &height))
		return true;
	pixels = calloc((size_t)width * height, sizeof(*pixels));
	if (pixels == NULL)
		return report("--screenshot %s: too little memory", path);
	hypike_vmm_screen_draw(pixels, width, height, &first, &end);
	const bool done = png_save("--screenshot", path, pixels, width, height);
	free(pixels);
	return done;
}
