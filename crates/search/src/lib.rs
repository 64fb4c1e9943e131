//! Which genotype next: random search and tournament evolution.
