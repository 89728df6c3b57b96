/*
 * Text of others on somebody's terminal. Whatever stands in a value or a path can only be seen there: control
 * characters (C0, DEL, C1), what reverses or hides text (bidirectional marks, zero-width and tag characters),
 * separators of lines and bytes that are no UTF-8 are shown as \xNN, \uNNNN or \UNNNNNNNN. Widths are those of the C
 * library's wcwidth, so the locale must be a UTF-8 one (text_locale); in another one all that is not ASCII is escaped.
 */
#ifndef TOOLS_TEXT_H
#define TOOLS_TEXT_H

#include "base/buf.h"
#include "base/span.h"

/* Chooses UTF-8 for the process's characters; once, at its start. */
void text_locale(void);
/* Appends `s` made harmless. */
void text_show(struct buf *out, struct span s);
/* Columns of a terminal that harmless text takes. */
size_t text_columns(struct span shown);
/* The longest head of harmless text that takes at most this many columns, marks of its last character included. */
struct span text_head(struct span shown, size_t columns);

#endif
