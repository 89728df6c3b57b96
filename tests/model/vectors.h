/* Reading the examples of a document: the lines of its fenced blocks. */
#ifndef TESTS_MODEL_VECTORS_H
#define TESTS_MODEL_VECTORS_H

#include <stdbool.h>

#include "base/span.h"

/* Takes the next block that is fenced as ```NAME off *rest, begun with the whole file; false if there is none. */
bool vectors_next_block(struct span *rest, const char *name, struct span *block);
/* Takes the next line off *block and cuts it at `separator` (" -> ", " = "); false at the end. */
bool vectors_next_line(struct span *block, const char *separator, struct span *left, struct span *right);
/* The value of the line `name = value` of a block; data is NULL if there is none. */
struct span vectors_field(struct span block, const char *name);
/* The bytes of hex digits, at most `size`; the number of bytes. */
size_t vectors_hex(struct span digits, unsigned char *out, size_t size);
/* A decimal number. */
unsigned long long vectors_number(struct span digits);

#endif
