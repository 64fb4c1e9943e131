//! From network graph to trained scores: devices, recipes, training, evaluation.
