/* What a node answered: a tree of json-c, shown in cells of a table. */
#ifndef TOOLS_REPLY_H
#define TOOLS_REPLY_H

#include <json-c/json_types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "tools/screen.h"
#include "tools/table.h"

/* Parses all of `text` into a tree that the caller frees. ERR_IO if it is not JSON: whatever answered was no node. */
NODISCARD int reply_parse(struct span text, struct json_object **out, struct err *err);
/* Takes NULL. */
void reply_free(struct json_object *reply);

/* A member of an object; NULL where there is none, it is null, or `object` is no object. */
struct json_object *reply_member(struct json_object *object, const char *name);
/* An element of the array that is a member of `object`; NULL past its end. */
struct json_object *reply_element(struct json_object *object, const char *name, size_t index);
/* How many elements that array has. */
size_t reply_length(struct json_object *object, const char *name);
/* A string member; "" where it is none. Borrowed from the tree, NUL-terminated. */
const char *reply_text(struct json_object *object, const char *name);
/* A number that is no fraction; 0 where it is none. */
uint64_t reply_count(struct json_object *object, const char *name);
/* Whether the member is there and true, or there and false. */
bool reply_is_true(struct json_object *object, const char *name);
bool reply_is_false(struct json_object *object, const char *name);

enum { REPLY_CELL_MAX = 64 << 20 }; /* bytes of one cell */

/* Appends what a person reads: strings without quotes, null as nothing, all else as JSON. */
void reply_show(struct buf *out, struct json_object *value);
/* Appends a member as JSON, strings with their quotes; nothing if it is not there. */
void reply_show_json(struct buf *out, struct json_object *object, const char *name);
/* Appends a fraction, with few digits on a terminal. */
void reply_show_ratio(struct buf *out, const struct screen *screen, struct json_object *object, const char *name);

/* Adds a cell: a member as reply_show shows it, */
void reply_cell(struct table *table, struct json_object *object, const char *name);
/* as JSON, strings with their quotes, */
void reply_cell_json(struct table *table, struct json_object *object, const char *name);
/* a fraction, with few digits on a terminal, */
void reply_cell_ratio(struct table *table, const struct screen *screen, struct json_object *object, const char *name);
/* what is believed: the value of a resolved topic, or its values that add up; nothing of none, */
void reply_cell_belief(struct table *table, struct json_object *resolved);
/* an array of sources, separated by commas. */
void reply_cell_list(struct table *table, struct json_object *object, const char *name);

#endif
