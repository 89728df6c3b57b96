/* A history before it happens: the steps that are sent to a node, in plain words. Steps refer to one another by number
 * (`uid`), so that leaving one out leaves the others as they are. All texts are constants. */
#ifndef TESTS_KNOWLEDGE_PLAN_H
#define TESTS_KNOWLEDGE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REFERENCES_MAX = 4, SOURCES_MAX = 3 };

/* A time that may be absent. */
struct instant {
  bool given;
  int64_t us; /* since 1970 */
};

enum step_kind { STEP_ASSERT, STEP_RETRACT, STEP_REINSTATE };

struct step {
  enum step_kind kind;
  uint32_t uid;    /* from 1, unique in its plan */
  uint64_t gap_us; /* that pass before it */
  /* an assertion */
  uint32_t call; /* neighbours with the same one, not 0, are sent as one array */
  const char *path, *predicate, *source, *value, *confidence; /* source, confidence NULL: absent; value is canonical */
  uint32_t parents[REFERENCES_MAX];
  size_t parent_count;
  struct instant observed_at, valid_from, valid_to;
  /* a retraction; what is NULL or 0 is absent. `path` selects, `predicate` and `source` narrow */
  uint32_t ids[REFERENCES_MAX];
  size_t id_count;
  uint32_t batch;    /* the call that this step came in with */
  uint32_t from, to; /* the seqs of these */
  bool cascade;
  uint32_t target; /* a reinstatement's retraction */
};

struct plan {
  struct step *steps; /* owned */
  size_t count;
};

enum as_of_kind { AS_OF_NOW, AS_OF_SEQ, AS_OF_TIME };

/* A query. */
struct question {
  const char *path, *predicate; /* predicate NULL: any */
  bool subtree, has_source;
  const char *source; /* with has_source: NULL is anonymous */
  const char *lens;
  enum as_of_kind as_of;
  uint32_t as_of_uid; /* of this step; 0: before the first */
  int as_of_delta_us; /* AS_OF_TIME: so much later */
  struct instant valid_at;
  bool decay, include_retracted, aliases, explain;
  const char *min_confidence;        /* NULL: none */
  const char *excluded[SOURCES_MAX]; /* sources */
  size_t excluded_count;
  struct {
    const char *source, *trust;
  } overrides[SOURCES_MAX];
  size_t override_count;
  unsigned limit;
};

#endif
