-- The peer of the benchmarks: the same columns and the same ways in as StemeDB's history and projections.
CREATE TABLE assertion (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id bytea NOT NULL,
  recorded timestamptz NOT NULL DEFAULT clock_timestamp(),
  concept_path text COLLATE "C" NOT NULL,
  predicate text COLLATE "C" NOT NULL,
  value jsonb NOT NULL,
  confidence double precision NOT NULL DEFAULT 1.0,
  source text COLLATE "C",
  observed_at timestamptz,
  valid_from timestamptz,
  valid_to timestamptz,
  salt bytea NOT NULL
);
CREATE UNIQUE INDEX assertion_id ON assertion (id);
CREATE INDEX assertion_concept ON assertion (concept_path, predicate, source, seq DESC);
CREATE INDEX assertion_predicate ON assertion (predicate, seq);
CREATE INDEX assertion_source ON assertion (source, seq);
