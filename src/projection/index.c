#include "projection/index.h"

#include "projection/postings.h"

const struct index index_table[INDEX_COUNT] = {
    [INDEX_PREDICATE] = {"predicate", "predicate", predicate_project, write_combined, postings_combine},
    [INDEX_CONCEPT] = {"concept", "concept", concept_project, concept_write, NULL},
    [INDEX_IDS] = {"ids", "id", ids_project, write_plain, NULL},
    [INDEX_SOURCE] = {"source", "source", source_project, write_combined, postings_combine},
    [INDEX_DERIVED] = {"derived", "derivation", derived_project, write_combined, postings_combine},
    [INDEX_KEYS] = {"keys", "key", keys_project, write_combined, keys_combine},
    [INDEX_TREE] = {"tree", "tree", tree_project, write_plain, NULL},
    [INDEX_BATCH] = {"batch", "batch", batch_project, write_combined, postings_combine},
    [INDEX_RETRACTED] = {"retracted", "retracted", retracted_project, write_plain, NULL},
    [INDEX_RETRACTIONS] = {"retractions", "retraction", retractions_project, write_plain, NULL},
    [INDEX_ALIAS] = {"alias", "alias", alias_project, write_combined, postings_combine},
    [INDEX_COUNTS] = {"counts", "count", counts_project, counts_write, NULL},
    [INDEX_BALLOTS] = {"ballots", "ballot", ballots_project, ballots_write, NULL},
    [INDEX_FIRSTS] = {"firsts", "first", ballots_project, firsts_write, postings_combine},
};
