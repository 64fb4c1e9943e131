-- The ledger of hnas, format 3: which build proposes, and when a worker was last heard.

ALTER TABLE hnas.studies ADD COLUMN build text;                  -- version and revision of the program that proposes
ALTER TABLE hnas.trials ADD COLUMN renewed double precision;     -- when the lease was taken or last renewed
