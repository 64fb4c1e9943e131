-- The ledger of hnas, format 1. All times are seconds since 1970 by the database's clock.

CREATE TABLE studies (
    name     TEXT NOT NULL PRIMARY KEY,
    founding TEXT NOT NULL,  -- the experiment that founded the study, as RON
    founded  REAL NOT NULL   -- when
) STRICT;

CREATE TABLE trials (
    study         TEXT NOT NULL REFERENCES studies (name),
    id            INTEGER NOT NULL CHECK (id >= 1),
    -- The proposal.
    key           TEXT NOT NULL,     -- of the network, in hexadecimal
    parent        INTEGER,
    mutation      TEXT,              -- as JSON
    redraws       INTEGER NOT NULL,
    parameters    INTEGER NOT NULL,
    multiply_adds INTEGER NOT NULL,
    same_as       INTEGER,
    verdict       TEXT NOT NULL CHECK (verdict IN ('evaluate', 'reuse', 'refuse')),
    refusal       TEXT,              -- why, when the verdict is 'refuse'
    known_fitness REAL,              -- of the same network, when the verdict is 'reuse'
    genotype      TEXT NOT NULL,     -- as RON
    proposed      REAL NOT NULL,     -- when
    -- The lease.
    worker        TEXT,              -- who leased or recorded it last
    attempt       INTEGER NOT NULL DEFAULT 0,  -- leases so far
    released      INTEGER NOT NULL DEFAULT 0,  -- of which do not count: given back, or before one that got on
    lease_until   REAL NOT NULL DEFAULT 0,     -- 0: not leased
    -- The outcome, when seq is set.
    seq           INTEGER CHECK (seq >= 1),    -- 1, 2, 3, ... in the order of recording
    fitness       REAL,
    failure       TEXT,              -- why there is no fitness
    runs          TEXT,              -- the trainings, as JSON
    seconds       REAL,              -- from lease to record
    finished      REAL,              -- when
    PRIMARY KEY (study, id),
    CHECK (seq IS NULL OR (fitness IS NULL) <> (failure IS NULL))
) STRICT;

CREATE UNIQUE INDEX trials_finished ON trials (study, seq) WHERE seq IS NOT NULL;
CREATE INDEX trials_open ON trials (study, id, lease_until) WHERE seq IS NULL;
CREATE INDEX trials_leased ON trials (study, lease_until) WHERE seq IS NULL;
