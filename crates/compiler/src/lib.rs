//! From genotype to verified network graph: assembly, passes, cost, canonical key, drawings.
