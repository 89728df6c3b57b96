/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef MODEL_UTF8_H
#define MODEL_UTF8_H

#include <stdbool.h>

#include "base/span.h"

/* The length of the sequence that begins at p (p < end), 0 if it is not one. */
size_t utf8_sequence(const unsigned char *p, const unsigned char *end);
/* Whether all of it is UTF-8. */
bool utf8_valid(struct span s);
/* Writes a code point (not a surrogate, at most U+10FFFF); the number of bytes. */
size_t utf8_put(unsigned char out[4], unsigned long code);

#endif
