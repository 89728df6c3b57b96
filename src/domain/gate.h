/*
 * Which assertions are inactive as of a snapshot, for a scan that meets them in the order of runs (path, predicate,
 * source), newest first; and how far the scan may step when it has met one. Internal to the scan of active assertions.
 */
#ifndef DOMAIN_GATE_H
#define DOMAIN_GATE_H

#include "projection/snapshot.h"

struct active_gate;

/* *out is NULL if everything up to the snapshot is active. ERR_NOMEM, ERR_BUSY, ERR_CORRUPT, as of all of these. */
NODISCARD int gate_open(const struct reader *reader, uint64_t snapshot, struct active_gate **out, struct err *err);
/* Takes NULL. */
void gate_close(struct active_gate *gate);
/* See active_set_scope(). The names are copied. */
void gate_set_scope(struct active_gate *gate, struct span path, bool below, struct span predicate);
/* Whether the row is in it; without one every row is. */
bool gate_in_scope(const struct active_gate *gate, const struct concept_row *row);
/* Whether the assertion `seq`, at most the snapshot, is inactive. */
NODISCARD int gate_look(struct active_gate *gate, uint64_t seq, bool *inactive, struct err *err);
/* The row is inactive: *below is the greatest seq below its own that may be active in its run; 0: none is. */
NODISCARD int gate_next_below(struct active_gate *gate, const struct concept_row *row, uint64_t *below,
                              struct err *err);

#endif
