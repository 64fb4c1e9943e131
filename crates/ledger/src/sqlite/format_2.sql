-- The ledger of hnas, format 2: views for people. docs/cluster.md shows their use.

-- Each trial that was fitter than all that finished before it, in the order of finishing.
CREATE VIEW best_so_far AS
SELECT study, seq, id, fitness, parameters, multiply_adds, worker, finished
FROM (SELECT trials.*, MAX(fitness) OVER (PARTITION BY study ORDER BY seq
                                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
      FROM trials WHERE seq IS NOT NULL) AS finished_trials
WHERE fitness IS NOT NULL AND (before IS NULL OR fitness > before);

-- What each worker did and does.
CREATE VIEW by_worker AS
SELECT study, worker,
       COUNT(fitness) AS scored,
       COUNT(failure) AS failed,
       COUNT(*) FILTER (WHERE seq IS NULL AND lease_until >= unixepoch('subsec')) AS leased,
       COUNT(*) FILTER (WHERE seq IS NULL AND lease_until > 0 AND lease_until < unixepoch('subsec')) AS lost,
       AVG(seconds) AS mean_seconds,
       MAX(finished) AS last_finished
FROM trials WHERE worker IS NOT NULL GROUP BY study, worker;

-- How the fittest trial of each study came about: itself, its parent, and so on to the first of the line.
CREATE VIEW ancestry AS
WITH RECURSIVE fittest AS (
    SELECT study, id FROM (
        SELECT study, id, ROW_NUMBER() OVER (PARTITION BY study ORDER BY fitness DESC, seq) AS place
        FROM trials WHERE fitness IS NOT NULL) AS ranked
    WHERE place = 1
), line AS (
    SELECT study, id, 0 AS steps_back FROM fittest
    UNION ALL
    -- A parent is an earlier trial; without this a line that was edited into a circle had no end.
    SELECT line.study, child.parent, line.steps_back + 1
    FROM line JOIN trials AS child ON child.study = line.study AND child.id = line.id
    WHERE child.parent < child.id
)
SELECT line.study, line.steps_back, trials.id, trials.parent, trials.fitness, trials.failure, trials.mutation, trials.key
FROM line JOIN trials AS trials ON trials.study = line.study AND trials.id = line.id;
