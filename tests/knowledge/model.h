/*
 * What StemeDB promises, worked out in the plainest way: a list of all entries, and every answer computed from the
 * whole list. Written from the contract and docs/semantics.md, not from the code, so that a misunderstanding shows.
 */
#ifndef TESTS_KNOWLEDGE_MODEL_H
#define TESTS_KNOWLEDGE_MODEL_H

#include "tests/knowledge/plan.h"

enum { MODEL_ID_SIZE = 65 };

/* One entry of the history. */
struct fact {
  struct step step; /* copied */
  uint64_t seq, time_us;
  char id[MODEL_ID_SIZE], batch[MODEL_ID_SIZE]; /* batch "": it came alone */
  char text[64]; /* a short value that is a string without escapes: what it says; else "" */
  double confidence;
  uint64_t parents[REFERENCES_MAX]; /* seqs */
  size_t parent_count;
  bool *covers;              /* of a retraction: by seq, up to its own; owned */
  uint64_t retraction;       /* of a reinstatement: the retraction's seq */
  uint64_t direct, cascaded; /* of a retraction: newly inactive */
};

struct model {
  struct fact *facts; /* facts[i].seq is i + 1 */
  size_t count, room;
};

void model_init(struct model *model);
void model_free(struct model *model);
/* The fact of a step, NULL if it was not stored. */
const struct fact *model_find(const struct model *model, uint32_t uid);

/* Adds an assertion that was stored; ids of its parents are looked up. */
struct fact *model_assert(struct model *model, const struct step *step);
/* Whether anything at all matches the retraction, and what it would make inactive, as of now. */
bool model_weigh(const struct model *model, const struct step *step, uint64_t *direct, uint64_t *cascaded);
/* Adds it. */
struct fact *model_retract(struct model *model, const struct step *step);
/* Whether the retraction of a reinstatement stands (it must exist). */
bool model_stands(const struct model *model, const struct step *step);
struct fact *model_reinstate(struct model *model, const struct step *step);

/* Whether retraction `fact` stands as of `snapshot`. */
bool model_stands_at(const struct model *model, const struct fact *fact, uint64_t snapshot);
/* The earliest retraction that stands as of `snapshot` and covers `seq`; NULL: it is active. */
const struct fact *model_retracted_by(const struct model *model, uint64_t seq, uint64_t snapshot);
/* The setting in force as of `snapshot`: the value's text, NULL if none. `about` NULL (anonymous) has none. */
const char *model_setting(const struct model *model, const char *about, const char *predicate, uint64_t snapshot);
/* The same for a predicate NAME, about predicate/NAME. */
const char *model_predicate_setting(const struct model *model, const char *name, const char *predicate,
                                    uint64_t snapshot);
bool text_equal(const char *a, const char *b); /* either may be NULL */

#endif
