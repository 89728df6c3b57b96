#include "projection/index.h"

#include "projection/postings.h"

const struct index index_table[INDEX_COUNT] = {
    [INDEX_PREDICATE] = {"predicate", "predicate", 4096, predicate_project, postings_combine},
    [INDEX_CONCEPT] = {"concept", "concept", 4096, concept_project, NULL},
    [INDEX_IDS] = {"ids", "id", 4096, ids_project, NULL},
    [INDEX_SOURCE] = {"source", "source", 4096, source_project, postings_combine},
    [INDEX_DERIVED] = {"derived", "derivation", 4096, derived_project, postings_combine},
    [INDEX_KEYS] = {"keys", "key", 4096, keys_project, keys_combine},
    [INDEX_TREE] = {"tree", "tree", 4096, tree_project, NULL},
};
