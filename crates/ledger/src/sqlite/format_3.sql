-- The ledger of hnas, format 3: which build proposes, and when a worker was last heard.

ALTER TABLE studies ADD COLUMN build TEXT;    -- version and revision of the program that proposes
ALTER TABLE trials ADD COLUMN renewed REAL;   -- when the lease was taken or last renewed
