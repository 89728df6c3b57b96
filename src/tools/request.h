/* What is sent to a node: JSON objects, and targets with parameters. */
#ifndef TOOLS_REQUEST_H
#define TOOLS_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "tools/option.h"

/* --- the body: an object, built member by member --- */

void request_begin(struct buf *body);
/* A string; nothing is added where `text` is NULL. The same holds for all below. */
void request_text(struct buf *body, const char *name, const char *text);
/* JSON as it is written. */
void request_raw(struct buf *body, const char *name, const char *json);
void request_flag(struct buf *body, const char *name, bool flag); /* true, or nothing */
void request_count(struct buf *body, const char *name, struct option_count count);
void request_texts(struct buf *body, const char *name, const struct option_list *list);
/* A seq where it consists of digits, else a time. */
void request_moment(struct buf *body, const char *name, const char *text);
void request_end(struct buf *body);

/* Whether `text` is strict JSON; else *reason (constant text) and the offset of what is wrong. */
bool request_is_json(const char *text, const char **reason, size_t *offset);

/* --- the target --- */

/* "/v1/concepts"; NUL-terminated at any time. */
void target_begin(struct buf *target, const char *path);
/* Adds a segment of the path, escaped. */
void target_segment(struct buf *target, const char *text);
/* Adds "?name=value" or "&name=value", escaped; nothing where `text` is NULL. */
void target_text(struct buf *target, const char *name, const char *text);
void target_count(struct buf *target, const char *name, struct option_count count);

#endif
