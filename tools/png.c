/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/vnc.h"

#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

const char *png_write(const char *path, const uint32_t *pixels, unsigned int width,
		      unsigned int height)
{
	png_image image = {.version = PNG_IMAGE_VERSION,
			   .width = width,
			   .height = height,
			   .format = PNG_FORMAT_BGRA};
	static char wrong[128];
	uint32_t *solid = malloc((size_t)width * height * sizeof(*solid));

	if (solid == NULL)
		return strerror(errno);
	for (size_t i = 0; i < (size_t)width * height; i++)
		solid[i] = pixels[i] | 0xff000000;
	const int done = png_image_write_to_file(&image, path, 0, solid, 0, NULL);

	free(solid);
	if (done)
		return NULL;
	snprintf(wrong, sizeof(wrong), "%s", image.message);
	return wrong;
}
