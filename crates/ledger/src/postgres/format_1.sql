-- The ledger of hnas, format 1. All times are seconds since 1970 by the database's clock.

CREATE TABLE hnas.format (
    version bigint NOT NULL  -- one row: the number of the newest of these files
);
INSERT INTO hnas.format VALUES (1);

-- Compared byte by byte, so that an index does not depend on the languages of a host.
CREATE TABLE hnas.studies (
    name     text COLLATE "C" NOT NULL PRIMARY KEY,
    founding text NOT NULL,             -- the experiment that founded the study, as RON
    founded  double precision NOT NULL  -- when
);

CREATE TABLE hnas.trials (
    study         text COLLATE "C" NOT NULL REFERENCES hnas.studies (name),
    id            bigint NOT NULL CHECK (id >= 1),
    -- The proposal.
    key           text NOT NULL,     -- of the network, in hexadecimal
    parent        bigint,
    mutation      text,              -- as JSON
    redraws       bigint NOT NULL,
    parameters    bigint NOT NULL,
    multiply_adds bigint NOT NULL,
    same_as       bigint,
    verdict       text NOT NULL CHECK (verdict IN ('evaluate', 'reuse', 'refuse')),
    refusal       text,              -- why, when the verdict is 'refuse'
    known_fitness double precision,  -- of the same network, when the verdict is 'reuse'
    genotype      text NOT NULL,     -- as RON
    proposed      double precision NOT NULL,            -- when
    -- The lease.
    worker        text,              -- who leased or recorded it last
    attempt       bigint NOT NULL DEFAULT 0,            -- leases so far
    released      bigint NOT NULL DEFAULT 0,            -- of which do not count: given back, or before one that got on
    lease_until   double precision NOT NULL DEFAULT 0,  -- 0: not leased
    -- The outcome, when seq is set.
    seq           bigint CHECK (seq >= 1),              -- 1, 2, 3, ... in the order of recording
    fitness       double precision,
    failure       text,              -- why there is no fitness
    runs          text,              -- the trainings, as JSON
    seconds       double precision,  -- from lease to record
    finished      double precision,  -- when
    PRIMARY KEY (study, id),
    CHECK (seq IS NULL OR (fitness IS NULL) <> (failure IS NULL))
);

CREATE UNIQUE INDEX trials_finished ON hnas.trials (study, seq) WHERE seq IS NOT NULL;
CREATE INDEX trials_open ON hnas.trials (study, id, lease_until) WHERE seq IS NULL;
CREATE INDEX trials_leased ON hnas.trials (study, lease_until) WHERE seq IS NULL;
